"""Plug-ins as people install them, and the one of docs/detectors.md."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "detectors.md"

Install = Callable[[str, str, str], None]
"""Takes the name of a module, its source, and the line of its entry point."""


def installer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return what installs distributions with one module and one entry point each into a folder."""
    monkeypatch.syspath_prepend(folder)

    def add(module: str, source: str, entry_point: str) -> None:
        (folder / f"{module}.py").write_text(source, encoding="utf-8")
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[ilemtrack.detectors]\n{entry_point}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return add


def documented_plugin() -> tuple[str, tuple[str, str]]:
    """Return the source in the documentation, and the name and the target of its entry point."""
    (source,), (names,) = (_blocks(kind) for kind in ("python", "toml"))
    ((name, target),) = re.findall(r'(\w+) = "([\w:]+)"', names)
    return source, (name, target)


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
