"""The folder of an export: its log of what is there, and items put in place whole.

::

    <export>/export.jsonl  .lock  .part/  .work/

The first line of `export.jsonl` names run and format, each other line an item that is in place. Items are
written in `.part` and renamed, so that a killed export leaves nothing that is wrong where others look.
"""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from service.errors import InputError, NotNowError
from service.export.contents import LeftOutImage
from service.store.durable import sync_folder, write_text

_LOG, _LOCK, _PART, _WORK = "export.jsonl", ".lock", ".part", ".work"
_AGAIN = ""
"""Fingerprint of an item that is not whole."""
_OWN = frozenset({_LOG, _LOCK, _PART, _WORK})


class ExportFolder:
    """Folder of one export, locked against other programs until it is closed.

    Parameters
    ----------
    path : Path
        Made if it is not there.
    run, kind : str
        Name of the run and of the format, as in the log.

    Raises
    ------
    InputError
        It is not a folder, or has other things in it; it is an export of another run or in another format.
    NotNowError
        Another program writes it.
    OSError
        The disk does not take it.
    """

    def __init__(self, path: Path, run: str, kind: str) -> None:
        self.path = path
        self._log = path / _LOG
        if path.exists() and not path.is_dir():
            raise InputError(f"{path}: is a file; name a folder with --out")
        path.mkdir(parents=True, exist_ok=True)
        if not self._log.exists() and {one.name for one in path.iterdir()} - _OWN:
            raise InputError(f"{path}: is neither empty nor an export; name another folder with --out")
        self._lock = FileLock(path / _LOCK)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise NotNowError(f"{path}: another ilemtrack writes this export") from None
        try:
            self._open(run, kind)
        except BaseException:
            self._lock.release()
            raise

    def _open(self, run: str, kind: str) -> None:
        self._items: dict[str, tuple[str, int]] = {}
        self._kept: dict[str, Any] = {}
        header = {"v": 1, "run": run, "format": kind}
        if not self._log.exists():
            write_text(self._log, json.dumps(header) + "\n")
        else:
            self._read(header)
        shutil.rmtree(self.path / _PART, ignore_errors=True)
        shutil.rmtree(self.path / _WORK, ignore_errors=True)

    @property
    def work(self) -> Path:
        """Folder for what others write ahead of `put`; emptied before and after the export."""
        folder = self.path / _WORK
        folder.mkdir(exist_ok=True)
        return folder

    def _read(self, header: dict[str, Any]) -> None:
        content = self._log.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        try:
            first, *lines = (json.loads(line) for line in whole.splitlines())
            found = {key: first[key] for key in header}
            for line in lines:
                if "item" in line:
                    self._items[line["item"]] = (line["fingerprint"], line["bytes"])
                else:
                    self._kept[line["keep"]] = line["value"]
        except (ValueError, KeyError, TypeError):
            raise InputError(
                f"{self._log}: is damaged; remove the export or name another folder with --out"
            ) from None
        if found["v"] != header["v"]:
            raise InputError(f"{self.path}: was written by another version; name another folder with --out")
        if found["run"] != header["run"]:
            raise InputError(
                f"{self.path}: is an export of another run, {found['run']}; name another folder with --out"
            )
        if found["format"] != header["format"]:
            raise InputError(
                f"{self.path}: is an export as {found['format']}; name another folder with --out"
            )
        if len(whole) < len(content):
            # Half a line, of an export that was killed.
            with self._log.open("r+b") as log:
                log.truncate(len(whole))

    def close(self) -> None:
        """Let other programs write it."""
        shutil.rmtree(self.path / _PART, ignore_errors=True)
        shutil.rmtree(self.path / _WORK, ignore_errors=True)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def has(self, item: str, fingerprint: str) -> bool:
        """Return True if an item is in place, made of what the fingerprint says, with all of its bytes."""
        known = self._items.get(item)
        return known is not None and known[0] == fingerprint and bytes_of(self.path / item) == known[1]

    def put(
        self, item: str, fingerprint: str, write: Callable[[Path], Sequence[LeftOutImage] | None]
    ) -> Sequence[LeftOutImage]:
        """Write an item and put it in place, on the disk when this returns; an older one goes.

        Returns
        -------
        sequence of LeftOutImage
            What `write` has left out: the next export then makes the item again.

        Raises
        ------
        OSError, ImageError
        """
        part, target = self.path / _PART / "new", self.path / item
        self._clear()
        left_out = write(part) or ()
        sync_all(part)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            target.rename(self.path / _PART / "old")
        part.replace(target)
        sync_folder(target.parent)
        made_of = _AGAIN if left_out else fingerprint
        self._items[item] = made_of, bytes_of(target)
        self._add({"item": item, "fingerprint": made_of, "bytes": bytes_of(target)})
        self._clear()
        return left_out

    def kept(self, key: str, value: Any) -> Any:
        """Return what an earlier export has decided; the first time, keep this JSON value."""
        if key not in self._kept:
            self._kept[key] = value
            self._add({"keep": key, "value": value})
        return self._kept[key]

    def keep_names(self, key: str, names: Sequence[str]) -> frozenset[str]:
        """Add names to those kept under a key; return all of them."""
        known = frozenset(self._kept.get(key, ()))
        if not known.issuperset(names):
            self._kept[key] = sorted(known.union(names))
            self._add({"keep": key, "value": self._kept[key]})
        return frozenset(self._kept.get(key, ()))

    def _clear(self) -> None:
        shutil.rmtree(self.path / _PART, ignore_errors=True)
        (self.path / _PART).mkdir()

    def _add(self, line: dict[str, Any]) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
            log.flush()
            os.fsync(log.fileno())


def bytes_of(path: Path) -> int:
    """Return the size of a file, or of all files in a folder; -1 if there is nothing."""
    if path.is_dir():
        return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
    return path.stat().st_size if path.exists() else -1


def sync_all(path: Path) -> None:
    """Make a file, or all of a folder, durable."""
    for root, _, names in os.walk(path) if path.is_dir() else [(path.parent, (), [path.name])]:
        for name in names:
            handle = os.open(Path(root) / name, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        sync_folder(Path(root))
