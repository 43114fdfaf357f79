"""Images that are in the database and no longer in the folder."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from service.session.folders.run_folder import RunFolder
from service.session.missing_images import missing_images


def test_an_image_that_was_moved_off_the_disk_is_there_as_long_as_a_link_leads_to_it(tmp_path: Path) -> None:
    folder, archive = tmp_path / "run" / "em" / "S0001", tmp_path / "archive"
    folder.mkdir(parents=True)
    archive.mkdir()
    recorded = [f"em/S0001/{name}.ome.tiff" for name in ("here", "linked", "unmounted", "gone")]
    recorded.append("em/S0002/with-its-folder.ome.tiff")
    (folder / "here.ome.tiff").touch()
    (archive / "linked.ome.tiff").touch()
    for name in ("linked", "unmounted"):
        (folder / f"{name}.ome.tiff").symlink_to(archive / f"{name}.ome.tiff")
    store: Any = SimpleNamespace(images=SimpleNamespace(files=lambda: recorded))
    assert missing_images(store, RunFolder(tmp_path / "run")) == tuple(recorded[2:])
