"""An image begins only where it has room, with a tenth to spare beside what is to stay free."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from service import wording
from service.acquisition.disk_space import shortage

GB = 10**9


@pytest.mark.parametrize(
    ("free", "needed", "keep_gb", "lacks"),
    [
        (int(1.2 * GB), 1 * GB, 0.0, False),
        (int(1.09 * GB), 1 * GB, 0.0, True),
        (int(6.1 * GB), 1 * GB, 5.0, False),
        (int(6.1 * GB) - 1, 1 * GB, 5.0, True),
        (0, 0, 0.0, False),
        (5 * GB - 1, 0, 5.0, True),
    ],
)
def test_an_image_needs_its_room_and_what_is_to_stay_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, needed: int, keep_gb: float, lacks: bool
) -> None:
    asked = []

    def usage(folder: Path) -> SimpleNamespace:
        asked.append(folder)
        return SimpleNamespace(total=1, used=1, free=free)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    expected = wording.low_disk(tmp_path, free, needed * 1.1, keep_gb) if lacks else None
    assert shortage(tmp_path, needed, keep_gb) == expected
    assert asked == [tmp_path]
