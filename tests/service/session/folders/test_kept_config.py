"""A run goes on with the configuration that it began with, whatever became of the copy in its folder."""

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from config.loading import dump, load
from config.model import Config
from service.errors import InputError
from service.session.folders.kept_config import config_to_rescue, kept_config
from service.session.folders.run_folder import RunFolder, RunInfo, create, open_existing
from service.store.store import Store
from tests.service.saying import Said
from tests.service.sessions import Session, small_config

MICROSCOPE = load("quanta250-secom")


def begun(folder: Path, config: Config = MICROSCOPE) -> tuple[RunFolder, RunInfo]:
    """A run on a microscope, as a killed program leaves it."""
    made, info = create(folder / "run", "run", "real", dump(config))
    with closing(Store.create(made.store, info.run, dump(config), info.kind)):
        return made, info


def test_an_empty_copy_never_sends_a_run_of_a_microscope_to_simulated_devices(tmp_path: Path) -> None:
    folder, info = begun(tmp_path)
    assert load(folder.config).driver == "odemis"
    folder.config.write_text("")
    assert load(folder.config).driver == "simulator"
    with pytest.raises(InputError, match=r"config\.yaml: is empty"):
        kept_config(folder, info)
    # The watchdog must reach the microscope all the same.
    assert config_to_rescue(folder) == MICROSCOPE


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("dwell_us: 60.0", "dwell_us: 30.0", r"sem\.dwell_us: 30\.0, was 60\.0"),
        ("driver: odemis", "driver: simulator", "driver: simulator, was odemis"),
        ("driver: odemis", "driver: [", "not valid YAML"),
        ("dwell_us: 60.0", "dwell_us: 60.0\n  dwell_ns: 5", "dwell_ns: unknown key"),
    ],
)
def test_a_changed_copy_is_refused_and_each_difference_is_named(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    folder, info = begun(tmp_path)
    text = folder.config.read_text(encoding="utf-8")
    assert old in text
    folder.config.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(
        InputError, match=rf"(?s)was changed since the run began: .*{said}.*take the file away"
    ):
        kept_config(folder, info)


def test_a_comment_changes_nothing(tmp_path: Path) -> None:
    folder, info = begun(tmp_path)
    text = folder.config.read_text(encoding="utf-8")
    folder.config.write_text(f"# Monday's run\n{text}", encoding="utf-8")
    assert kept_config(folder, info) == MICROSCOPE


def test_a_missing_copy_is_written_again(tmp_path: Path) -> None:
    folder, info = begun(tmp_path)
    text = folder.config.read_text(encoding="utf-8")
    folder.config.unlink()
    assert kept_config(*open_existing(folder.path)) == MICROSCOPE
    assert folder.config.read_text(encoding="utf-8") == text
    assert kept_config(folder, info) == MICROSCOPE


def test_a_run_of_a_microscope_does_not_become_a_dry_run(tmp_path: Path) -> None:
    folder, info = begun(tmp_path)
    with pytest.raises(InputError, match=r"run\.json: says that this is a dry-run, but it began as a run"):
        kept_config(folder, info.model_copy(update={"kind": "dry-run"}))
    with pytest.raises(InputError, match="put the files of one run together"):
        kept_config(folder, info.model_copy(update={"run": "another"}))


def test_the_copy_is_on_the_disk_before_the_run_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    begun(tmp_path)
    assert synced[:4] == ["config.yaml.part", "run", "run.json.part", "run"]


@pytest.mark.parametrize("text", ["", "sem: {dwell_us: 30}\n"])
def test_a_session_whose_copy_was_changed_is_not_resumed(say: Said, tmp_path: Path, text: str) -> None:
    changes: dict[str, Any] = {"session": {"min_free_disk_gb": 0, "review": True}}
    session = Session(tmp_path / "run", small_config(**changes))
    session.run()
    session.end()
    session.folder.config.write_text(text, encoding="utf-8")
    status, _, said = say("resume", "--continue", tmp_path / "run")
    assert status == 2
    assert "config.yaml" in said
    with closing(Store.open(session.folder.store)) as store:
        assert not store.ledger.exposures()
