"""Sensitivity to the numbers of the settings: each times 0.7 and times 1.4, on stacks of development seeds.

``python -m benchmarks.serial.serial_sensitivity GROUP...``: registration, serial, separation or tracking.
Docstrings of the settings quote its figures. It is no part of `python -m benchmarks`: a group takes minutes
to an hour.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

import cv2
import numpy as np

from benchmarks.serial.identity import named
from benchmarks.serial.serial import CROWDED, MIXED, TOUCHING, WHOLE, imaged_boxes, run_serial, score
from benchmarks.serial.stacks import TrueSection, simulated_stack
from detection.registration.register import prepare, register
from detection.registration.settings import SETTINGS as REGISTRATION
from detection.serial.separation.settings import SETTINGS as SEPARATION
from detection.serial.settings import SETTINGS as SERIAL
from detection.tracking.settings import SETTINGS as TRACKING

FACTORS = (0.7, 1.4)
LUMPY: dict[str, Any] = {**MIXED, "cells_per_field": 12, "lumps_percent": 10.0}
LINKED: dict[int, dict[str, Any]] = {
    20: MIXED,
    21: CROWDED,
    31: {**WHOLE, "section_thickness_nm": 400},
    70: LUMPY,
    60: {**TOUCHING, "section_thickness_nm": 200},
}
DETECTED: dict[int, dict[str, Any]] = {21: CROWDED, 22: MIXED}
SECTIONS = {70: 8}
"""Sections of the block of a seed, where they are not nine: the first few of them are used."""


def link_errors() -> str:
    """Register neighbours, and return the errors at the corner of the frame."""
    errors, bad = [], 0
    for stack in _linked():
        prepared = [prepare(section.frame) for section in stack]
        for (one, two), (first, second) in zip(pairwise(stack), pairwise(prepared), strict=True):
            link = register(first, second)
            bad += link.bad
            if link.motion is not None and not link.bad:
                true = two.to_block.inverse().after(one.to_block)
                errors.append(link.motion.distance_um(true, first.radius_um) / one.frame.pixel_size_um)
    return f"{bad} bad, median {np.median(errors):.2f} px, largest {max(errors):.2f} px"


def serial_figures() -> str:
    """Detect in stacks, and return contained recall and identity of each."""
    figures = []
    for stack in _detected():
        found, _ = run_serial(stack)
        area, recall, _, _ = score(stack, [imaged_boxes(one) for one in found])
        figures.append(f"recall {recall:.3f} of {area:.1%}, identity {named(stack, found)[0]:.3f}")
    return "; ".join(figures)


@cache
def _linked() -> list[list[TrueSection]]:
    return [simulated_stack(seed, SECTIONS.get(seed, 9), **specimen)[:4] for seed, specimen in LINKED.items()]


@cache
def _detected() -> list[list[TrueSection]]:
    stacks = [simulated_stack(seed, 9, **specimen)[:6] for seed, specimen in DETECTED.items()]
    return [stacks[0], [_with_dust(section) for section in stacks[1]]]


def _with_dust(section: TrueSection) -> TrueSection:
    """Add six spots at the same pixels of every frame."""
    pixels = section.frame.pixels.copy()
    for row, column in np.random.default_rng(5).integers(30, 400, (6, 2)):
        pixels[row : row + 12, column : column + 12] += 250
    return replace(section, frame=replace(section.frame, pixels=pixels))


def numbers(settings: Any, path: str = "") -> Iterator[tuple[Any, str, str]]:
    """Yield the holder, the name and the path of every single number of settings."""
    for field in fields(settings):
        value = getattr(settings, field.name)
        if is_dataclass(value):
            yield from numbers(value, f"{path}{field.name}.")
        elif isinstance(value, int | float):
            yield settings, field.name, path + field.name


@contextmanager
def changed(holder: Any, name: str, factor: float) -> Iterator[float]:
    """Change a number of frozen settings for a while."""
    before = getattr(holder, name)
    value = max(round(before * factor), 1) if isinstance(before, int) else before * factor
    object.__setattr__(holder, name, value)
    try:
        yield value
    finally:
        object.__setattr__(holder, name, before)


GROUPS: dict[str, tuple[Any, Callable[[], str]]] = {
    "registration": (REGISTRATION, link_errors),
    "serial": (SERIAL, serial_figures),
    "separation": (SEPARATION, serial_figures),
    "tracking": (TRACKING, serial_figures),
}


def main() -> None:
    """Print the figures of each number of the groups that are named."""
    cv2.setNumThreads(1)
    for group in sys.argv[1:] or GROUPS:
        settings, measure = GROUPS[group]
        print(f"{group}: {measure()}", flush=True)
        for holder, name, path in numbers(settings):
            for factor in FACTORS:
                with changed(holder, name, factor) as value:
                    print(f"{group}.{path} {value:.4g}: {measure()}", flush=True)


if __name__ == "__main__":
    main()
