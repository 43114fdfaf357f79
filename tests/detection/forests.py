"""A small forest for tests, trained once."""

from dataclasses import replace
from functools import cache

import numpy as np

from detection.evaluation.annotated import AnnotatedFrame
from detection.evaluation.truth import TrueCell
from detection.forest.model import ForestModel
from detection.forest.settings import TRAINING
from detection.forest.training import train
from detection.image.frames import check_frame
from tests.detection.synthetic import PIXEL_SIZE_UM, Section, make_section


def annotate(section: Section, pixel_size_um: float = PIXEL_SIZE_UM) -> AnnotatedFrame:
    cell = np.any(section.masks, axis=0)
    frame = check_frame(section.pixels, pixel_size_um)
    truth = tuple(TrueCell.of_mask(str(number), mask) for number, mask in enumerate(section.masks))
    return AnnotatedFrame(frame, cell, np.zeros_like(cell), truth)


@cache
def small_forest() -> ForestModel:
    sections = [make_section(seed, noise_sd=noise) for seed, noise in ((0, 20.0), (1, 40.0))]
    return train([annotate(section) for section in sections], replace(TRAINING, max_pixels=12_000, trees=40))
