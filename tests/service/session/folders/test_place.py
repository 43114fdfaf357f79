"""A copy of a run folder is not taken up beside its original: it would expose again."""

import shutil
from pathlib import Path

import pytest

from service.errors import InputError
from service.session.folders.place import demand_no_copy, keep_place
from service.session.folders.run_folder import Kind, Recorded, RunFolder, RunInfo, create


def run_in(path: Path, kind: Kind = "run") -> tuple[RunFolder, RunInfo]:
    folder, info = create(path, kind, "real", "")
    folder.store.touch()
    keep_place(folder)
    return folder, info


def test_a_copy_is_refused_while_its_original_is_there(tmp_path: Path) -> None:
    folder, info = run_in(tmp_path / "run")
    copy = RunFolder(shutil.copytree(folder.path, tmp_path / "backup \udcff"))
    with pytest.raises(InputError, match=f"is a copy of {folder.path}, which is still there"):
        demand_no_copy(copy, info)
    demand_no_copy(folder, info)
    folder.path.rename(tmp_path / "renamed")
    demand_no_copy(copy, info)
    with pytest.raises(InputError, match=r"is a copy of .*backup"):
        demand_no_copy(RunFolder(shutil.copytree(copy.path, tmp_path / "again")), info)


def test_a_folder_that_was_moved_linked_or_begun_by_an_earlier_version_is_the_run(tmp_path: Path) -> None:
    folder, info = run_in(tmp_path / "run")
    moved = RunFolder(folder.path.rename(tmp_path / "moved"))
    run_in(tmp_path / "run")
    demand_no_copy(moved, info)
    linked = RunFolder(tmp_path / "linked")
    linked.path.symlink_to(moved.path)
    demand_no_copy(linked, info)
    moved.place.unlink()
    demand_no_copy(moved, info)
    assert moved.place.read_text(encoding="utf-8") == f"{moved.path}\n"


def test_a_share_that_is_mounted_twice_is_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, info = run_in(tmp_path / "run")
    mounted = RunFolder(tmp_path / "mounted")
    mounted.path.symlink_to(folder.path)
    # As on another mount: other numbers of files, and nothing to resolve.
    monkeypatch.setattr(Path, "resolve", Path.absolute)
    monkeypatch.setattr(Path, "samefile", lambda *_: False)
    demand_no_copy(mounted, info)
    assert folder.place.read_text(encoding="utf-8") == f"{mounted.path}\n"
    assert not list(folder.path.glob(".place-*"))


@pytest.mark.parametrize("kept", [b"", bytes(64), b"\n", b"run\n", b"/\n"])
def test_a_place_that_cannot_be_read_is_that_of_no_copy(tmp_path: Path, kept: bytes) -> None:
    folder, info = run_in(tmp_path / "run")
    folder.place.write_bytes(kept)
    demand_no_copy(folder, info)
    assert folder.place.read_text(encoding="utf-8") == f"{folder.path}\n"


def test_a_simulated_session_is_copied_with_its_specimen(tmp_path: Path) -> None:
    folder, info = run_in(tmp_path / "run", "dry-run")
    demand_no_copy(RunFolder(shutil.copytree(folder.path, tmp_path / "copy")), info)


def test_a_name_that_is_not_utf_8_or_too_long_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    odd = tmp_path / "caf\udce9"
    with pytest.raises(InputError, match=r"caf\\xe9: the name is not UTF-8"):
        create(odd, "run", "real", "")
    with pytest.raises(InputError, match="not UTF-8"):
        create(tmp_path / "run", "replay", "fast", "", Recorded((f"{odd}.tiff",)))
    with pytest.raises(InputError, match=r"too long by [0-9]+ bytes for SQLite"):
        create(tmp_path / "/".join(["x" * 100] * 6), "run", "real", "")
    assert list(tmp_path.iterdir()) == []
