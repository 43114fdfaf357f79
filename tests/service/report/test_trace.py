import shutil
from pathlib import Path
from typing import Any

import pytest

from service.model.jobs import JobState
from tests.service.conftest import Start
from tests.service.saying import Said

pytestmark = pytest.mark.usefixtures("frames_once")


def test_an_electron_image_leads_to_its_cells_their_fluorescence_and_back(start: Start, say: Said) -> None:
    session = start()
    job = session.store.queue.jobs(JobState.DONE)[0]
    image = session.folder.path / str(job.image)
    status, found, _ = say("trace", image, "--json")
    assert status == 0
    assert (found["run"], found["config_yaml"]) == (session.info.run, session.folder.config.read_text())
    assert {cell["cell"] for cell in found["cells"]} == set(job.covers)
    assert {field["field"] for field in found["fields"]} == {name[:10] for name in job.covers}
    assert [plan["section"] for plan in found["plans"]] == [job.section]
    (traced,) = found["jobs"]
    assert traced["job"] == job.id
    assert traced["image"] == {"file": job.image, "sha256": job.sha256, "unchanged": True}
    assert [row["id"] for row in traced["exposures"]] == [
        row.id for row in session.store.ledger.exposures(job=job.id)
    ]
    status, back, _ = say("trace", job.covers[0], "--run", session.folder.path, "--json")
    assert status == 0
    assert job.id in [one["job"] for one in back["jobs"]]


def test_a_copy_is_known_by_its_content_and_a_changed_image_by_its_place(
    start: Start, say: Said, tmp_path: Path
) -> None:
    session = start()
    field = session.store.specimen.fields()[0]
    image = session.folder.path / str(field.image)
    copy = tmp_path / "copy.tiff"
    shutil.copy(image, copy)
    image.write_bytes(image.read_bytes() + b" ")

    def of(path: Path, *options: Any) -> Any:
        status, found, _ = say("trace", path, *options, "--json")
        assert status == 0
        return found["fields"]

    for found in (of(copy, "--run", session.folder.path), of(image)):
        assert [one["field"] for one in found] == [field.id]
        assert found[0]["image"]["unchanged"] is False
    image.unlink()
    assert of(image)[0]["image"]["unchanged"] is None


def test_what_the_run_does_not_have_gets_a_sentence(start: Start, say: Said, tmp_path: Path) -> None:
    session = start()
    other = tmp_path / "other.tiff"
    other.write_bytes(b"other")
    for thing in ("J999999", "S0001/F000/c9999", other):
        status, _, said = say("trace", thing, "--run", session.folder.path)
        assert status == 2
        assert "the run has no cell" in said
    status, _, said = say("trace", other)
    assert status == 2
    assert "--run" in said


def test_people_get_lines(start: Start, say: Said) -> None:
    session = start()
    status, text, _ = say("trace", "J000001", "--run", session.folder.path)
    assert status == 0
    assert {line.split()[0] for line in text.splitlines()} == {
        "run",
        "field",
        "cell",
        "plan",
        "frame",
        "exposure",
    }
    assert "unchanged since it was saved" in text
