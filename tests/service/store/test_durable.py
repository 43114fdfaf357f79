import errno
import os
import stat
from pathlib import Path

import pytest

from service.store.durable import whole_file, write_bytes, write_text


def break_off(path: Path) -> None:
    with whole_file(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt


def test_an_older_file_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_text(path, "µ old")
    with pytest.raises(KeyboardInterrupt):
        break_off(path)
    assert path.read_text(encoding="utf-8") == "µ old"
    assert list(tmp_path.iterdir()) == [path]
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"


def test_file_and_name_are_synced_before_and_after_the_name_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(sorted(one.name for one in tmp_path.iterdir())))
    write_text(tmp_path / "one", "1")
    assert seen == [["one.part"], ["one"]]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)
    write_text(link, "text")
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "text"


def test_a_pipe_is_written_as_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_text(pipe, "text")
        assert os.read(reader, 10) == b"text"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EIO])
def test_a_file_system_that_syncs_no_folders_takes_files_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def sync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(code, "not here")

    monkeypatch.setattr(os, "fsync", sync)
    if code == errno.EIO:
        with pytest.raises(OSError, match="not here"):
            write_text(tmp_path / "one", "1")
    else:
        write_text(tmp_path / "one", "1")
    assert [one.name for one in tmp_path.iterdir()] == ["one"]


@pytest.mark.parametrize("text", [b"text", bytes(100_000)])
def test_a_full_disk_is_an_error_that_names_the_file(text: bytes) -> None:
    with pytest.raises(OSError, match="No space left") as refused:
        write_bytes(Path("/dev/full"), text)
    assert refused.value.filename == "/dev/full"


def fails_elsewhere(path: Path, error: OSError) -> None:
    with whole_file(path) as file:
        file.write(b"half")
        raise error


def test_a_file_is_blamed_for_its_own_errors_only(tmp_path: Path) -> None:
    """Of a report, an error of an image that is read for it named the report."""
    for named in (None, "an image"):
        with pytest.raises(OSError, match="cannot be read") as refused:
            fails_elsewhere(tmp_path / "report.html", OSError(errno.EIO, "cannot be read", named))
        assert refused.value.filename == named
    with pytest.raises(FileNotFoundError) as missing:
        write_bytes(tmp_path / "no folder" / "one", b"text")
    assert missing.value.filename == str(tmp_path / "no folder" / "one")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_what_refuses_a_file_at_its_end_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "at the end")

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(OSError, match="at the end") as refused:
        write_bytes(tmp_path / "one", b"text")
    assert refused.value.filename == str(tmp_path / "one")
    assert list(tmp_path.iterdir()) == []
