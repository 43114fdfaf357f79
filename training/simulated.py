"""Frames of the project's own simulators, their physics drawn at random for each frame."""

from collections.abc import Iterator

import numpy as np

from service.evaluation.synthetic import SyntheticFrame, paper_frames, realistic_config, realistic_frames
from simulators.specimen.fluorophores import Pattern
from simulators.specimen.paper.specimen import PaperSpecimen
from training.labelled import LabelledFrame
from training.scenes.camera import processed

PATTERNS: tuple[Pattern, ...] = ("cytoplasmic", "nuclear", "punctate")
_SHARES = (0.3, 0.4, 0.3)
"""Shares of the patterns. Nuclei are hardest to tell from the rest of their cells; chosen by hand."""
HARD = ("specks", "folds", "lumps", "nuclei", "dim nuclei", "dim vesicles")
_HARD_SHARES = (0.24, 0.08, 0.1, 0.24, 0.1, 0.24)
"""Shares of these kinds, which the network mistakes most often; chosen by hand, by area imaged in vain."""
EMPTY_SHARE = 0.4
"""Share of the blocks without cells, two thirds of which hold debris: such sections are common, and a network
that rarely sees one finds cells in it. Chosen by hand."""
SECTIONS = 4
"""Sections that are cut from one block, far enough apart to be nearly independent."""
_APART_NM = 5000.0
_FIELD_UM = 91.0
"""Side of a field of the simulated camera."""


def realistic(seed: int) -> Iterator[LabelledFrame]:
    """Yield sections of one simulated block, every property of which is drawn around its usual value."""
    rng = np.random.default_rng([seed, 42])
    pattern = PATTERNS[int(rng.choice(len(PATTERNS), p=_SHARES))]
    empty = rng.random() < EMPTY_SHARE
    radius = float(np.clip(7 * np.exp(rng.normal(0, 0.2)), 3, 12))
    usual = 10.0 if pattern == "punctate" else 25.0
    # As many as fit; see `config.model.Config`.
    most = 0.72 * (_FIELD_UM + 2 * radius) ** 2 / (2 / 3 * np.pi * radius**2)
    config = realistic_config(
        seed,
        SECTIONS,
        pattern,
        section_thickness_nm=_APART_NM,
        cells_per_field=0.0 if empty else min(float(np.exp(rng.uniform(np.log(3), np.log(120)))), most),
        cell_radius_um=radius,
        cell_radius_sd_um=radius * float(rng.uniform(0.05, 0.25)),
        brightness_photons=float(usual * np.exp(rng.normal(-0.4, 1.0))),
        brightness_sd_percent=float(rng.uniform(20, 100)),
        background_photons=float(20 * np.exp(rng.normal(0, 0.5))),
        bell_photons=float(25 * np.exp(rng.normal(0, 0.6))),
        debris_per_field=float(rng.choice([0.0, 2.0, rng.uniform(0, 8)])),
        folds_per_section=float(rng.choice([0.0, 0.1, 1.0 if empty else 0.3])),
        lumps_percent=float(rng.choice([0.0, 3.0, rng.uniform(0, 14)])),
    )
    yield from _labelled(realistic_frames(config), rng)


def hard(seed: int) -> Iterator[LabelledFrame]:
    """Yield sections of one simulated block of a kind that the network mistakes most often.

    No cells, but specks, folds or lumps; nuclei, whose dim cell bodies look like dim nuclei; and cells at the
    noise.
    """
    rng = np.random.default_rng([seed, 45])
    kind = HARD[int(rng.choice(len(HARD), p=_HARD_SHARES))]
    lumps = float(rng.choice([0.0, 3.0, 10.0, rng.uniform(0, 14)]))
    values: dict[str, float] = {
        "brightness_photons": float(30 * np.exp(rng.normal(0, 0.7))),
        "brightness_sd_percent": float(rng.uniform(50, 100)),
        "background_photons": float(20 * np.exp(rng.normal(0, 0.3))),
        "bell_photons": float(25 * np.exp(rng.normal(0, 0.4))),
        "cells_per_field": 0.0,
        "lumps_percent": lumps,
    }
    pattern: Pattern = "cytoplasmic"
    if kind == "specks":
        values["debris_per_field"] = float(rng.uniform(1, 10))
    elif kind == "folds":
        values |= {"folds_per_section": float(rng.uniform(0.5, 1.5)), "debris_per_field": 0.0}
    elif kind == "lumps":
        values |= {"lumps_percent": float(rng.uniform(3, 14)), "debris_per_field": 0.0}
    else:
        pattern = "punctate" if kind == "dim vesicles" else "nuclear"
        radius = float(np.clip(7 * np.exp(rng.normal(0, 0.15)), 4, 11))
        values |= {
            "cell_radius_um": radius,
            "cell_radius_sd_um": radius * float(rng.uniform(0.08, 0.2)),
            "cells_per_field": float(np.exp(rng.uniform(np.log(2), np.log(25)))),
            "debris_per_field": float(rng.choice([0.0, 2.0, rng.uniform(0, 6)])),
        }
        if kind != "nuclei":
            usual = 2.2 if kind == "dim vesicles" else 6.0
            values["brightness_photons"] = float(usual * np.exp(rng.normal(0, 0.4)))
            values["brightness_sd_percent"] = float(rng.uniform(20, 60))
    config = realistic_config(seed, SECTIONS, pattern, section_thickness_nm=_APART_NM, **values)
    yield from _labelled(realistic_frames(config), rng)


def sparse(seed: int) -> Iterator[LabelledFrame]:
    """Yield sections of one simulated block with hardly a cell, often with debris, for the second look."""
    rng = np.random.default_rng([seed, 46])
    pattern = PATTERNS[int(rng.integers(len(PATTERNS)))]
    radius = float(np.clip(7 * np.exp(rng.normal(0, 0.2)), 3, 12))
    usual = 10.0 if pattern == "punctate" else 25.0
    config = realistic_config(
        seed,
        SECTIONS,
        pattern,
        section_thickness_nm=_APART_NM,
        cells_per_field=float(np.exp(rng.uniform(np.log(0.7), np.log(5)))),
        cell_radius_um=radius,
        cell_radius_sd_um=radius * float(rng.uniform(0.05, 0.25)),
        brightness_photons=float(usual * np.exp(rng.normal(-0.3, 0.9))),
        brightness_sd_percent=float(rng.uniform(20, 100)),
        background_photons=float(20 * np.exp(rng.normal(0, 0.4))),
        bell_photons=float(25 * np.exp(rng.normal(0, 0.5))),
        debris_per_field=float(rng.choice([0.0, 2.0, rng.uniform(1, 7)])),
        folds_per_section=float(rng.choice([0.0, 0.1, 0.6])),
        lumps_percent=float(rng.choice([0.0, 3.0, rng.uniform(0, 12)])),
    )
    yield from _labelled(realistic_frames(config), rng)


def lumpy(seed: int) -> Iterator[LabelledFrame]:
    """Yield sections of a block of lumpy resin, no cells, half with debris, for the second look."""
    rng = np.random.default_rng([seed, 48])
    config = realistic_config(
        seed,
        SECTIONS,
        section_thickness_nm=_APART_NM,
        cells_per_field=0.0,
        brightness_photons=float(30 * np.exp(rng.normal(0, 0.5))),
        background_photons=float(20 * np.exp(rng.normal(0, 0.3))),
        bell_photons=float(25 * np.exp(rng.normal(0, 0.4))),
        debris_per_field=float(rng.choice([0.0, rng.uniform(1, 8)])),
        folds_per_section=0.0,
        lumps_percent=float(rng.uniform(6, 14)),
    )
    yield from _labelled(realistic_frames(config), rng)


def uneven(seed: int) -> Iterator[LabelledFrame]:
    """Yield sections of one simulated block with dim cells beside bright ones, for the second look."""
    rng = np.random.default_rng([seed, 49])
    pattern = PATTERNS[int(rng.integers(len(PATTERNS)))]
    radius = float(np.clip(7 * np.exp(rng.normal(0, 0.15)), 4, 11))
    usual = 15.0 if pattern == "punctate" else 25.0
    config = realistic_config(
        seed,
        SECTIONS,
        pattern,
        section_thickness_nm=_APART_NM,
        cells_per_field=float(np.exp(rng.uniform(np.log(3), np.log(25)))),
        cell_radius_um=radius,
        cell_radius_sd_um=radius * float(rng.uniform(0.08, 0.2)),
        brightness_photons=float(usual * np.exp(rng.normal(0, 0.4))),
        brightness_sd_percent=100.0,
        background_photons=float(20 * np.exp(rng.normal(0, 0.3))),
        bell_photons=float(25 * np.exp(rng.normal(0, 0.4))),
        debris_per_field=float(rng.choice([0.0, 2.0, rng.uniform(0, 6)])),
        folds_per_section=float(rng.choice([0.0, 0.1])),
        lumps_percent=float(rng.choice([0.0, 3.0, rng.uniform(0, 12)])),
    )
    yield from _labelled(realistic_frames(config), rng)


def paper(seed: int) -> Iterator[LabelledFrame]:
    """Yield slices of one volume after the paper."""
    rng = np.random.default_rng([seed, 43])
    noise = float(rng.uniform(10, 80))
    radius = float(rng.uniform(4, 10))
    specimen = PaperSpecimen(
        radius_um=radius,
        radius_sd_um=radius * float(rng.uniform(0.08, 0.2)),
        brightness=float(rng.uniform(60, 250)),
        brightness_sd=float(rng.uniform(10, 50)),
        nucleus_share=float(rng.uniform(0.4, 0.7)),
        noise=noise,
        bell=float(rng.uniform(0, 160)),
        cells_per_section=float(np.exp(rng.uniform(np.log(2), np.log(50)))),
        pattern=("cytoplasmic", "cytoplasmic", "nuclear", "punctate")[int(rng.integers(4))],
        thickness_nm=_APART_NM,
        bits=int(rng.choice([8, 10, 12, 16])),
        offset=float(rng.choice([500.0, rng.uniform(0, 1000)])),
    )
    yield from _labelled(paper_frames(seed, SECTIONS, specimen), rng)


def _labelled(frames: Iterator[SyntheticFrame], rng: np.random.Generator) -> Iterator[LabelledFrame]:
    for frame in frames:
        rows, columns = frame.pixels.shape
        truth = np.zeros((rows, columns), np.int32)
        boxes = np.array([cell.box.as_tuple() for cell in frame.cells], np.float32).reshape(-1, 4)
        counted = np.array([cell.counted for cell in frame.cells], np.bool_)
        # Small cells last, so that large neighbours do not hide them.
        order = sorted(range(len(frame.cells)), key=lambda n: -frame.cells[n].area_px)
        for number in order:
            cell = frame.cells[number]
            assert cell.mask is not None
            truth[cell.box.slices][cell.mask] = number + 1
        pixels, offset = frame.pixels, frame.offset_adu if rng.random() < 0.6 else None
        if rng.random() < 0.2:
            pixels, offset = processed(rng, pixels, frame.pixel_size_um), None
        yield LabelledFrame(pixels, frame.pixel_size_um, offset, truth, boxes, counted)
