from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

from service.model.jobs import JobState
from tests.service.conftest import Start
from tests.service.saying import Said

pytestmark = pytest.mark.usefixtures("frames_once")


def test_a_run_is_a_crate_whose_images_lead_to_what_they_come_from(start: Start, say: Said) -> None:
    session = start()
    folder = session.folder.path
    status, document, _ = say("trace", folder, "--crate", "--json")
    assert status == 0
    made = folder / "ro-crate-metadata.json"
    assert document == {"v": 1, "crate": str(made), "size_bytes": made.stat().st_size}
    crate = ROCrate(folder)
    assert session.info.run in crate.name
    files = {one.id for one in crate.data_entities}
    assert files >= {str(path.relative_to(folder)) for path in folder.rglob("*.tiff")}
    assert files >= {"config.yaml", "session.sqlite"}
    jobs = session.store.queue.jobs(JobState.DONE)
    assert jobs
    for job in jobs:
        image, action = crate.get(str(job.image)), crate.get(f"#{job.id}")
        assert image["sha256"] == job.sha256
        assert image["contentSize"] == str((folder / str(job.image)).stat().st_size)
        assert action["result"] == image
        wanted = {"config.yaml"} | {f"fm/{cell.rpartition('/')[0]}.ome.tiff" for cell in job.covers}
        assert {one.id for one in action["object"]} == wanted
        assert [one["name"] for one in action["instrument"]] == ["ilemtrack", "a simulated microscope"]
        assert action["endTime"].startswith("20")
    assert len(crate.root_dataset["mentions"]) == len(jobs) + len(session.store.specimen.fields())


def test_a_session_under_way_has_a_crate_without_what_is_to_come(start: Start, say: Said) -> None:
    session = start(session={"review": True})
    assert say("trace", session.folder.path, "--crate")[0] == 0
    crate = ROCrate(session.folder.path)
    assert len(crate.root_dataset["mentions"]) == len(session.store.specimen.fields())


def test_what_is_no_run_gets_a_sentence(say: Said, tmp_path: Path) -> None:
    for arguments in ((tmp_path, "--crate"), ("J000001", "--crate", "--run", tmp_path)):
        status, _, said = say("trace", *arguments)
        assert status == 2
        assert said.count("\n") == 1
