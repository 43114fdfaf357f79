"""Synthetic sections on disk, and the microscope's frames with what is in them."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from drivers.recorded.tiff import read_frames
from service.errors import InputError
from service.evaluation.pairing import paired
from service.evaluation.roi_marks import ImagePage
from service.evaluation.synthetic import (
    SyntheticFrame,
    paper_frames,
    realistic_config,
    realistic_frames,
    write_synthetic,
)
from service.evaluation.truth import read_truth
from simulators.specimen.fluorophores import Pattern
from simulators.specimen.paper.specimen import PaperSpecimen


def test_image_rois_and_json_tell_the_same(tmp_path: Path) -> None:
    frames = list(paper_frames(3, 3, PaperSpecimen()))
    write_synthetic(tmp_path / "out", frames, 3, {"kind": "paper"})
    recorded = read_frames(tmp_path / "out" / "sections.ome.tiff")
    from_rois, from_json = read_truth(tmp_path / "out" / "sections.zip"), read_truth(tmp_path / "out")
    assert len(recorded) == 3
    for page, (frame, image) in enumerate(zip(frames, recorded, strict=True)):
        np.testing.assert_array_equal(image.pixels, frame.pixels)
        assert image.pixel_size_m[0] == pytest.approx(0.178e-6)
        assert image.offset_adu == frame.offset_adu
        shape = image.pixels.shape[0], image.pixels.shape[1]
        (told,) = paired(from_json, [ImagePage(image.path, page, shape)]).cells
        assert told is not None
        assert [c.box for c in told] == [c.box for c in frame.cells]
        assert [c.counted for c in told] == [c.counted for c in frame.cells]
        for a, b in zip(told, frame.cells, strict=True):
            assert a.mask is not None
            assert b.mask is not None
            np.testing.assert_array_equal(a.mask, b.mask)
            assert a.contrast_to_noise == pytest.approx(b.contrast_to_noise, abs=1e-3)
        (outlined,) = paired(from_rois, [ImagePage(image.path, page, shape)]).cells
        assert outlined is not None
        assert [c.box for c in outlined] == [c.box for c in frame.cells if c.counted]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text("{}")
    with pytest.raises(InputError, match=r"truth\.json: exists already"):
        write_synthetic(tmp_path, paper_frames(1, 1, PaperSpecimen(shape=(64, 64))), 1, {})
    assert [path.name for path in tmp_path.iterdir()] == ["truth.json"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def failing() -> Iterator[SyntheticFrame]:
        yield from paper_frames(1, 1, PaperSpecimen(shape=(64, 64)))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_synthetic(tmp_path, failing(), 2, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pattern", ["cytoplasmic", "nuclear", "punctate"])
def test_the_microscopes_truth_lies_on_its_light(pattern: Pattern) -> None:
    config = realistic_config(
        4, 2, pattern, brightness_photons=200.0, brightness_sd_percent=0.0, debris_per_field=0.0
    )
    for frame in realistic_frames(config):
        assert frame.cells
        cells = np.zeros(frame.pixels.shape, dtype=np.bool_)
        for cell in frame.cells:
            assert cell.mask is not None
            cells[cell.box.slices] |= cell.mask
        light = above_background(frame.pixels)
        assert light[cells].mean() > 8 * abs(light[~cells].mean())


def above_background(
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8 | np.uint16]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    levels = pixels.astype(np.float64)
    return np.asarray(levels - np.median(levels))


def test_serial_sections_show_the_same_cells() -> None:
    one, two = realistic_frames(realistic_config(4, 2))
    assert len({c.id for c in one.cells} & {c.id for c in two.cells}) >= 0.7 * len(one.cells)


def test_dim_cells_are_among_the_realistic_ones() -> None:
    config = realistic_config(2, 8, section_thickness_nm=5000.0)
    contrasts = [c.contrast_to_noise or 0 for frame in realistic_frames(config) for c in frame.cells]
    assert min(contrasts) < 1
    assert max(contrasts) > 5


def test_json_is_valid_and_small(tmp_path: Path) -> None:
    document = write_synthetic(tmp_path / "o", paper_frames(1, 2, PaperSpecimen(noise=0)), 2, {"seed": 1})
    text = (tmp_path / "o" / "truth.json").read_text()
    assert json.loads(text) == document
    assert len(text) < 200_000
    assert "contrast_to_noise" not in text
    with tifffile.TiffFile(tmp_path / "o" / "sections.ome.tiff") as file:
        assert file.is_ome
