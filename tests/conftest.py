import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.places import REAL_FRAMES
from tests.processes import end_processes_of

hypothesis.settings.register_profile("project", deadline=None, derandomize=True)
hypothesis.settings.load_profile("project")


@pytest.fixture
def real_frames() -> list[Path]:
    """Three real serial sections; the test is skipped where they are absent."""
    frames = sorted(REAL_FRAMES.glob("fl*.ome.tiff"))
    if not frames:
        pytest.skip("the real frames are not beside this checkout")
    return frames


@pytest.fixture
def runtime_dir(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Runtime folder of this test alone, short enough for the path of a socket.

    What still runs with it after the test is killed.
    """
    with tempfile.TemporaryDirectory(prefix="ilem-") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        monkeypatch.delenv("ILEMTRACK_ENDPOINT", raising=False)
        yield Path(folder)
        end_processes_of(Path(folder))
