"""A dry run that begins with a simulated overview."""

from pathlib import Path
from typing import Any

import pytest

from config.layout import ListLayout
from config.loading import dump, load
from service.report.found_sections import FoundSections, found_sections
from tests.service.saying import Said
from tests.service.sessions import small_config

pytestmark = pytest.mark.usefixtures("runtime_dir", "frames_once")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    config = small_config(
        planner={"method": "raster"}, simulator={"specimen": {"cells_per_field": 1, "seed": 2}}
    )
    path.write_text(dump(config), encoding="utf-8")
    return path


def test_the_session_runs_on_the_sections_found(say: Said, small: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    status, document, _ = say(
        "dry-run", "--overview", "--sections", 4, "--config", small, "--out", out, "--json"
    )
    assert status == 0
    assert document["end_state"] == "done"
    assert document["sections"] == 4
    found = document["found_sections"]
    assert (found["true"], found["found"], found["false"]) == (4, 4, 0)
    assert found["least_overlap"] > 0.8
    assert document["contained_recall"] == 1
    assert load(out / "config.yaml").planner.outline_margin_um > small_config().planner.outline_margin_um
    assert (out / "pictures" / "overview.png").read_bytes().startswith(b"\x89PNG")


def test_fields_and_too_many_sections_get_one_sentence(say: Said, small: Path, tmp_path: Path) -> None:
    for words, said in (
        (("--fields", 2), "--fields does not go with --overview"),
        (("--sections", 2), "the shape of its sections is doubtful: it was learned from fewer than three"),
        (("--sections", 5000), "--overview draws at most 1000 sections"),
    ):
        out = tmp_path / "run"
        status, _, err = say("dry-run", "--overview", *words, "--config", small, "--out", out)
        assert status == 2
        assert said in err
        assert not out.exists()
    status, _, err = say("dry-run", "--accept-doubt", "--config", small, "--out", out)
    assert (status, "goes with --overview only" in err) == (2, True)


def test_false_and_missed_sections_are_counted() -> None:
    def listed(*at: tuple[str, float]) -> ListLayout:
        def section(name: str, x: float) -> dict[str, Any]:
            corners = [[x, 0], [x + 10, 0], [x + 10, 8], [x, 8]]
            return {"id": name, "center_um": [x, 0], "outline_um": corners}

        return ListLayout.model_validate({"kind": "list", "sections": [section(*one) for one in at]})

    config = small_config()
    assert found_sections(config) is None
    simulator = config.simulator.model_copy(
        update={"layout": listed(("S0001", 0), ("S0002", 20), ("S0004", 60))}
    )
    config = config.model_copy(
        update={"layout": listed(("S0001", 1), ("S0002", 20), ("S0003", 40)), "simulator": simulator}
    )
    assert found_sections(config) == FoundSections(3, 2, 1, 9 / 11)
