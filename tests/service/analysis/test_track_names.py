from dataclasses import replace

from service.analysis.track_names import TrackNames
from service.model.specimen import Cell

CELL = Cell(
    "S0001/F000/c0001", "S0001/F000", "S0001", (0, 0, 9, 9), None, (0, 0, 1, 1), None, 0.9, "", tracks=()
)


def cell(x: int, *tracks: str) -> Cell:
    return replace(CELL, box_px=(x, 0, x + 9, 9), tracks=tracks)


def test_names_are_those_of_the_detector_where_nothing_is_recorded() -> None:
    names = TrackNames(())
    assert [names.name(raw) for raw in ("T0001", "T0012", "T0002")] == ["T0001", "T0012", "T0002"]


def test_a_recomputation_that_finds_the_same_gives_the_same_names() -> None:
    names = TrackNames({"T0001", "T0002", "T0012"})
    names.learn(
        [cell(0, "T0001"), cell(20, "T0002", "T0012")], [cell(0, "T0001"), cell(20, "T0002", "T0012")]
    )
    found = [names.name(raw) for raw in ("T0001", "T0002", "T0012", "T0003", "T0013")]
    assert found == ["T0001", "T0002", "T0012", "T0003", "T0013"]


def test_a_recomputation_that_finds_otherwise_never_gives_a_name_to_another_cell() -> None:
    recorded = [cell(0, "T0001"), cell(20, "T0002"), cell(40, "T0003")]
    names = TrackNames({"T0001", "T0002", "T0003"})
    # The second is now called first, and the others are at other places.
    names.learn([cell(20, "T0001"), cell(60, "T0002"), cell(80, "T0003")], recorded)
    assert names.name("T0001") == "T0002"
    others = {names.name(raw) for raw in ("T0002", "T0003", "T0004")}
    assert len(others) == 3
    assert not others & {"T0001", "T0002", "T0003"}


def test_a_detector_made_anew_does_not_take_names_again() -> None:
    names = TrackNames(())
    before = {names.name(f"T{n:04d}") for n in range(1, 9)}
    names.restart()
    after = {names.name(f"T{n:04d}") for n in range(1, 9)}
    assert not before & after
    assert len(after) == 8
