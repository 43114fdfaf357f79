"""Files that people name or choose, JSON and text: bounded, and refused in one sentence."""

import json
import sys
from pathlib import Path
from typing import Any

from config.documents import text_files
from service.errors import InputError

MOST_BYTES = 256 * 1000 * 1000
"""Largest document; detections of a thousand crowded frames are below 100 MB."""


def read_text(path: Path, most_bytes: int) -> str:
    """Read a text file; ``-`` is standard input.

    Raises
    ------
    InputError
        Raised when it cannot be read, is no file, no text in UTF-8, or too large; one sentence.
    """
    if str(path) == "-":
        return _standard_input(most_bytes)
    try:
        return text_files.read_text(path, most_bytes)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def files_to_choose(folder: Path, endings: tuple[str, ...], most: int) -> list[str]:
    """Return the files of some kinds in a folder and its subfolders, without hidden ones, at most so many.

    Raises
    ------
    InputError
        The folder cannot be read. A subfolder that cannot be is left out.
    """
    found = []
    try:
        for pattern in ("*", "*/*"):
            for path in sorted(folder.glob(pattern)):
                name = path.relative_to(folder)
                hidden = any(part.startswith(".") for part in name.parts)
                if path.name.lower().endswith(endings) and not hidden and is_file(path):
                    found.append(str(name))
                if len(found) >= most:
                    return found
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror})") from None
    return found


def is_file(path: Path) -> bool:
    """Return True for a file; False also where a folder may be listed but not entered."""
    try:
        return path.is_file()
    except OSError:
        return False


def _standard_input(most_bytes: int) -> str:
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError("standard input: nothing is piped into it; name a file")
    data = sys.stdin.buffer.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise InputError(f"standard input: is larger than {most_bytes / 1e6:.3g} MB, the most that is read")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("standard input: is no text in UTF-8") from None


def read_json(path: Path, most_bytes: int = MOST_BYTES) -> Any:
    """Read a JSON document; see `read_text`.

    Raises
    ------
    InputError
        Also raised when it is no JSON, or has a key twice, a number of thousands of digits, or NaN.
    """
    text = read_text(path, most_bytes)
    if not text.strip():
        raise InputError(f"{path}: is empty")
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
    except RecursionError:
        raise InputError(f"{path}: is no JSON file (nested too deeply)") from None
    except ValueError as error:
        raise InputError(f"{path}: is no JSON file ({' '.join(str(error).split())[:120]})") from None


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"key {key!r} twice")
            seen.add(key)
    return values
