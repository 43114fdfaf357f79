"""Comparison of what a release has built."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from release.commands import ReleaseError, run
from release.wheels import check_complete, check_same


def wheel(path: Path, **files: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def source(path: Path, *names: str) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(f"ilemtrack-1/{name}"), io.BytesIO())
    return path


def test_wheels_with_the_same_files_are_the_same(tmp_path: Path) -> None:
    check_same(wheel(tmp_path / "a.whl", a="1", b="2"), wheel(tmp_path / "b.whl", b="2", a="1"))


@pytest.mark.parametrize("files", [{"a": "1"}, {"a": "1", "b": "3"}, {"a": "1", "b": "2", "c": ""}])
def test_wheels_that_differ_are_refused(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(ReleaseError, match=r"differ in [bc]"):
        check_same(wheel(tmp_path / "a.whl", a="1", b="2"), wheel(tmp_path / "b.whl", **files))


def test_a_source_distribution_has_all_tracked_files_and_no_others(tmp_path: Path) -> None:
    tracked = ["Makefile", "tests/test_a.py", ".github/workflows/test.yml", ".gitignore"]
    check_complete(source(tmp_path / "a.tar.gz", "Makefile", "tests/test_a.py", "PKG-INFO"), tracked)
    with pytest.raises(ReleaseError, match=r"missing \['tests/test_a.py'\], not tracked \['notes'\]"):
        check_complete(source(tmp_path / "b.tar.gz", "Makefile", "notes"), tracked)


def test_a_program_that_fails_is_named_with_its_output() -> None:
    assert run("echo", "well") == "well\n"
    with pytest.raises(ReleaseError, match=r"(?s)status 3.*badly"):
        run("bash", "-c", "echo badly; exit 3")
