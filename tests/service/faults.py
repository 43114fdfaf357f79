"""Devices that go wrong, in sessions of tests."""

import dataclasses
import threading
import time
from collections.abc import Callable, Container
from typing import Any

import numpy as np

from drivers.sem import ScanImage
from service.model.phases import Phase
from service.session.setup import Setup
from tests.service.sessions import Session

ALWAYS = -1


def with_device(name: str, wrap: Callable[[Any], Any]) -> Callable[[Setup], Setup]:
    """Put something between the session and one device."""

    def change(setup: Setup) -> Setup:
        device = wrap(getattr(setup.devices, name))
        return dataclasses.replace(setup, devices=dataclasses.replace(setup.devices, **{name: device}))

    return change


class Faulty:
    """A device one of whose calls goes wrong, as often as asked; all else reaches the real one.

    With `after` it goes wrong only once that other call was made.
    """

    def __init__(
        self, device: Any, call: str, wrong: Callable[..., Any], times: int = 1, after: str | None = None
    ) -> None:
        self._device, self._call, self._wrong, self.left, self._after = device, call, wrong, times, after

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._device, name)
        if name == self._after:
            self._after = None
        if name != self._call or self.left == 0 or self._after is not None:
            return real
        self.left -= 1
        return lambda *args, **kwargs: self._wrong(real, *args, **kwargs)


def faulty(
    device: str, call: str, wrong: Callable[..., Any], times: int = 1, after: str | None = None
) -> Callable[[Setup], Setup]:
    return with_device(device, lambda real: Faulty(real, call, wrong, times, after))


def raising(error: Exception) -> Callable[..., Any]:
    def wrong(*_: object, **__: object) -> None:
        raise error

    return wrong


class Trouble:
    """Fault of one call of one device during one phase, until it is mended.

    Parameters
    ----------
    device, call : str
    wrong : callable
        Called with this, the real call and its arguments.
    phase : Phase
        Only while the session is in it.
    times : int
        So often at most.
    """

    def __init__(
        self, device: str, call: str, wrong: Callable[..., Any], phase: Phase, times: int = ALWAYS
    ) -> None:
        self.device, self.call, self.phase, self.left = device, call, phase, times
        self._wrong = wrong
        self.session: Session | None = None
        self.mended = threading.Event()
        self._hanging: list[tuple[threading.Thread, str]] = []

    def hang(self) -> None:
        """Wait until the trouble is mended; called on the thread of a guarded call."""
        thread = threading.current_thread()
        self._hanging.append((thread, thread.name))
        self.mended.wait(200)

    def mend(self) -> None:
        """Let all calls go well; those that hang have returned then."""
        self.left = 0
        self.mended.set()
        end_s = time.monotonic() + 200
        for thread, call in self._hanging:
            while thread.name == call:
                assert time.monotonic() < end_s, f"{call} has not returned"
                time.sleep(0.001)

    def into(self, setup: Setup) -> Setup:
        return with_device(self.device, lambda real: _Troubled(real, self))(setup)

    def wrongly(self, real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        assert self.session is not None
        if self.left == 0 or self.session.store.status().phase is not self.phase:
            return real(*args, **kwargs)
        self.left -= 1
        return self._wrong(self, real, *args, **kwargs)


class _Troubled:
    def __init__(self, device: Any, trouble: Trouble) -> None:
        self._device, self._trouble = device, trouble

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._device, name)
        if name != self._trouble.call:
            return real
        return lambda *args, **kwargs: self._trouble.wrongly(real, *args, **kwargs)


def blank(image: ScanImage) -> ScanImage:
    """Return what a detector shows of a scan without a beam."""
    return cut_off(image, 0)


def cut_off(image: ScanImage, row: int) -> ScanImage:
    """Return what a detector shows of a scan whose beam was lost at a row."""
    pixels = image.pixels.copy()
    noise = np.random.default_rng(row).integers(4, 7, pixels[row:].shape)
    pixels[row:] = noise.astype(pixels.dtype)
    return dataclasses.replace(image, pixels=pixels)


class Spoiled:
    """A SEM some of whose images are bad: the scans, counted from 1, that `which` names.

    The nonce of a request tells nothing about its frame: `scans` counts all, those of focuses, too.
    """

    def __init__(self, spoil: Callable[[ScanImage], ScanImage], which: Container[int]) -> None:
        self._spoil, self._which = spoil, which
        self.scans = 0

    def into(self, setup: Setup) -> Setup:
        return faulty("sem", "scan", self._scan, times=ALWAYS)(setup)

    def _scan(self, real: Callable[..., ScanImage], *args: Any) -> ScanImage:
        self.scans += 1
        number = self.scans
        image = real(*args)
        return self._spoil(image) if number in self._which else image
