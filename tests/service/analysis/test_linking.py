"""Results of the linking of sections, whatever happens to it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from config.work import DetectionConfig
from detection.serial.detector import SerialDetector
from service.analysis.linking import Found, Linking
from service.analysis.mosaic import FieldFrame
from service.analysis.track_names import TrackNames
from tests.service.linked import BAD_ADU, SIDE_M, Picky, field_frame, sections

pytestmark = pytest.mark.usefixtures("frames_once")


def linking(look_ahead: bool = True, detector: Any = None, serial: bool = True) -> Linking:
    settings = DetectionConfig(serial=serial)
    return Linking(settings, detector or Picky(), look_ahead, TrackNames(()), lambda _: ())


def through(link: Linking, stack: Sequence[Sequence[FieldFrame]]) -> list[Found]:
    found = [one for frames in stack for one in link.add(frames)]
    return found + link.finish()


def fields_of(found: Sequence[Found]) -> list[str]:
    return [field.field for one in found for field in one.fields]


def spoilt(frame: FieldFrame) -> FieldFrame:
    pixels = frame.pixels.copy()
    pixels[5, 200] = BAD_ADU
    return replace(frame, pixels=pixels)


def test_every_section_comes_out_once_with_its_tracks() -> None:
    stack = sections(8)
    link = linking()
    early = [one for frames in stack for one in link.add(frames)]
    assert [one.section for one in early] == ["S0001", "S0002", "S0003"]
    found = early + link.finish()
    assert fields_of(found) == [f"S{n:04d}/F000" for n in range(1, 9)]
    assert not any(one.failed for one in found)
    tracks = {track.id: track for one in found for track in one.tracks}
    long = [track for track in tracks.values() if track.sections >= 7]
    assert len(long) >= 8
    for track in tracks.values():
        assert track.first_section <= track.central_section <= track.last_section
        seen_in = {
            one.section
            for one in found
            for field in one.fields
            for cell in field.cells
            if cell.seen and cell.tracks[0] == track.id
        }
        assert (min(seen_in), max(seen_in)) == (track.first_section, track.last_section)


def test_without_look_ahead_each_section_comes_out_at_once() -> None:
    link = linking(look_ahead=False)
    for frames in sections(4):
        (found,) = link.add(frames)
        assert found.section == frames[0].field.section
    assert link.finish() == []


def test_switched_off_each_field_is_detected_by_itself() -> None:
    link = linking(serial=False)
    found = [one for frames in sections(3) for one in link.add(frames)]
    assert len(found) == 3
    cells = [cell for one in found for field in one.fields for cell in field.cells]
    assert cells
    assert not any(cell.tracks for cell in cells)
    assert all(one.serial is None and not one.tracks for one in found)
    shown = [(frame.field.id, len(detection.cells)) for one in found for frame, detection in one.alone]
    assert shown == [(field.field, len(field.cells)) for one in found for field in one.fields]


def test_a_frame_that_breaks_the_detector_costs_that_field_only() -> None:
    stack = sections(7)
    bad = replace(spoilt(stack[3][0]), pose=replace(stack[3][0].pose, center_m=(0.9 * SIDE_M, 0.0)))
    bad = replace(bad, field=replace(bad.field, id="S0004/F001", index=1))
    stack[3].append(bad)
    found = through(linking(), stack)
    assert fields_of(found) == [f"S{n:04d}/F000" for n in range(1, 8)]
    assert [list(one.failed) for one in found if one.failed] == [["S0004/F001"]]
    (reason,) = (reason for one in found for reason in one.failed.values())
    assert reason == "detection failed: a bug in the detector"
    # The rest of the section is linked all the same.
    (fourth,) = (one for one in found if one.section == "S0004" and one.fields)
    assert fourth.serial is not None
    assert fourth.serial.used_link is not None


def test_a_section_that_fails_whole_is_a_gap() -> None:
    stack = sections(7)
    stack[3] = [spoilt(stack[3][0])]
    found = through(linking(), stack)
    assert fields_of(found) == [f"S{n:04d}/F000" for n in (1, 2, 3, 5, 6, 7)]
    tracks = {track.id: track for one in found for track in one.tracks}
    assert any(t.first_section == "S0001" and t.last_section == "S0007" for t in tracks.values())


@pytest.mark.parametrize("call", ["_linked", "_track", "_finished"])
def test_cells_are_not_lost_when_the_linking_breaks(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Wherever the serial detector fails, once: all sections come out, and no name is given twice."""
    real = getattr(SerialDetector, call)
    calls = 0

    def broken(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise ZeroDivisionError("a bug in the linking")
        return real(*arguments)

    monkeypatch.setattr(SerialDetector, call, broken)
    stack = sections(9)
    found = through(linking(), stack)
    assert sorted(fields_of(found)) == [f"S{n:04d}/F000" for n in range(1, 10)]
    assert not any(one.failed for one in found)
    assert all(field.cells for one in found for field in one.fields)
    alone = [one.section for one in found if one.serial is None]
    assert alone
    warned = [one.section for one in found for field in one.fields if "a bug" in " ".join(field.warnings)]
    assert warned == alone
    last_before, first_after = min(alone), max(alone)
    before = {n for one in found if one.section < last_before for n in names_of(one)}
    after = {n for one in found if one.section > first_after for n in names_of(one)}
    assert after
    assert not before & after


def names_of(found: Found) -> set[str]:
    return {name for field in found.fields for cell in field.cells for name in cell.tracks}


def test_frames_of_another_kind_are_linked_anew() -> None:
    stack = sections(3)
    coarse = [
        [field_frame(f[0].pixels, f"S{n:04d}", pixel_size_m=(0.5e-6, 0.5e-6))]
        for n, f in enumerate(sections(3, seed=9), start=4)
    ]
    eight_bit = [
        [field_frame((f[0].pixels // 8).astype(np.uint8), f"S{n:04d}")]
        for n, f in enumerate(sections(2, seed=10), start=7)
    ]
    found = through(linking(), [*stack, *coarse, *eight_bit])
    assert fields_of(found) == [f"S{n:04d}/F000" for n in range(1, 9)]
    kinds = [found[:3], found[3:6], found[6:]]
    for kind in kinds:
        assert kind[0].serial is not None
        assert not kind[0].serial.links
    named = [{name for one in kind for name in names_of(one)} for kind in kinds]
    assert all(named)
    assert len(set.union(*named)) == sum(map(len, named))


def test_fields_that_make_no_mosaic_are_detected_alone() -> None:
    stack = sections(3)
    far = replace(stack[1][0], pose=replace(stack[1][0].pose, center_m=(20 * SIDE_M, 0.0)))
    stack[1].append(replace(far, field=replace(far.field, id="S0002/F001", index=1)))
    found = through(linking(), stack)
    assert sorted(fields_of(found)) == ["S0001/F000", "S0002/F000", "S0002/F001", "S0003/F000"]
    (second,) = (one for one in found if one.section == "S0002")
    assert "lie far apart" in " ".join(second.fields[0].warnings)
