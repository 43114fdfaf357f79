"""Journal: each answer, on the disk before it is sent; what was offered is read back from it.

One JSON object a line. Offers in it are the record of intent: after a crash of either program they say which
frames SBEMimage may have begun.
"""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from service.errors import InputError, NotNowError
from service.sbemimage.theirs.dialect import State
from service.sbemimage.theirs.logs import Tile
from service.sbemimage.values import Answer, Number, Offer, Past
from service.store.durable import sync_folder


class Journal:
    """Journal of the answers for one source of frames, locked against other programs until it is closed.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InputError
        It is damaged, or cannot be written.
    NotNowError
        Another program writes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path.with_name(f".{path.name}.lock"))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise NotNowError(f"{path}: another ilemtrack serves these frames") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror})") from None
        try:
            self.past = self._read()
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self._lock.release()

    def record(self, answer: Answer, state: State | None, client: str) -> None:
        """Write an answer before it is sent.

        Raises
        ------
        OSError
            The disk does not take it; nothing is offered then.
        """
        line: dict[str, Any] = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "client": client,
            "verdict": answer.verdict.value,
            "detail": answer.detail,
            "state": None if state is None else state.model_dump(),
            "begun": answer.begun,
            "offers": [
                {
                    "frame": one.frame,
                    "number": one.number,
                    "rect_m": one.rect_m,
                    "rows": one.rows,
                    "columns": one.columns,
                    "base_dir": one.base_dir,
                }
                for one in answer.offers
            ],
        }
        self._add(line)
        self.past = Past(
            (*self.past.offers, *answer.offers), self.past.released, self.past.begun.union(answer.begun)
        )

    def release(self, names: tuple[str, ...], by: str) -> None:
        """Let frames be offered once more, as a person says so.

        Raises
        ------
        InputError
            A frame was never offered.
        """
        standing = self.past.standing
        for name in names:
            if name not in standing:
                raise InputError(f"--again {name}: no frame of that name was offered")
        numbers = [standing[name].number for name in names]
        self._add({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "released": numbers, "by": by})
        self.past = replace(self.past, released=self.past.released.union(numbers))

    def _add(self, line: dict[str, Any]) -> None:
        new = not self.path.exists()
        with self.path.open("ab") as file:
            size = file.tell()
            try:
                file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                # Half a line would make the next one unreadable.
                os.ftruncate(file.fileno(), size)
                raise
        if new:
            sync_folder(self.path.parent)

    def _read(self) -> Past:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return Past()
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror})") from None
        # A last line without an end was never followed by an answer.
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with self.path.open("r+b") as file:
                file.truncate(len(whole))
        offers: list[Offer] = []
        released: set[Number] = set()
        begun: set[Tile] = set()
        try:
            for line in whole.splitlines():
                values = json.loads(line)
                offers += [_offer(one) for one in values.get("offers", ())]
                begun.update((int(a), int(r), int(t)) for a, r, t in values.get("begun", ()))
                released.update((int(array), int(roi)) for array, roi in values.get("released", ()))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError(
                f"{self.path}: is damaged, so that nobody knows which frames were exposed; look at the"
                " images, then name another file with --journal"
            ) from None
        return Past(tuple(offers), frozenset(released), frozenset(begun))


def _offer(value: dict[str, Any]) -> Offer:
    array, roi = (int(one) for one in value["number"])
    x0, y0, x1, y1 = (float(one) for one in value["rect_m"])
    return Offer(
        str(value["frame"]),
        (array, roi),
        (x0, y0, x1, y1),
        int(value["rows"]),
        int(value["columns"]),
        str(value["base_dir"]),
    )
