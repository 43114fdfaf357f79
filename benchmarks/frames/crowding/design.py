"""Recipes of scenes: a seeded selection in which every pair of levels of two factors occurs."""

from collections import Counter
from dataclasses import dataclass, fields
from itertools import combinations
from typing import Any, Literal

import numpy as np

Kind = Literal["disc", "ring", "texture"]
Background = Literal["bell", "lumpy"]

SCENES = 180
"""Each pair of levels of the two largest factors occurs about seven times."""

LEVELS: dict[str, tuple[Any, ...]] = {
    "cover": (0.10, 0.25, 0.40, 0.50, 0.60, 0.75),
    "radius_um": (2.5, 5.5, 9.0),
    "contrast": (3.0, 8.0, 20.0, 60.0),
    "kind": ("disc", "ring", "texture"),
    "background": ("bell", "lumpy"),
    "offset_known": (True, False),
    "pixel_nm": (178, 300),
    "bits": (8, 16),
    "processed": (False, True),
}
_CANDIDATES = 40


@dataclass(frozen=True, slots=True)
class Recipe:
    """Description of one scene.

    Attributes
    ----------
    seed : int
        Everything else about the scene is drawn from it.
    cover : float
        Share of the frame that is cell.
    radius_um : float
        Mean radius of the cells.
    contrast : float
        Mean signal of stained pixels over the noise deviation of a background pixel.
    kind : {'disc', 'ring', 'texture'}
        Evenly stained; with a dark nucleus; stained in patches.
    background : {'bell', 'lumpy'}
        Brighter in the middle; with lumps besides.
    offset_known : bool
    pixel_nm : int
    bits : int
        8 or 16, per pixel of the file.
    processed : bool
        True if the background was subtracted and the contrast equalised afterwards.
    """

    seed: int
    cover: float
    radius_um: float
    contrast: float
    kind: Kind
    background: Background
    offset_known: bool
    pixel_nm: int
    bits: int
    processed: bool


FACTORS = tuple(field.name for field in fields(Recipe) if field.name != "seed")


def recipes(first_seed: int, count: int = SCENES) -> list[Recipe]:
    """Select recipes so that pairs of levels occur about equally often.

    Each is the one of some random candidates whose pairs occurred least before.
    """
    rng = np.random.default_rng(first_seed)
    seen: Counter[tuple[str, Any, str, Any]] = Counter()
    chosen = []
    for number in range(count):
        candidates = [
            {name: values[rng.integers(len(values))] for name, values in LEVELS.items()}
            for _ in range(_CANDIDATES)
        ]
        levels = min(candidates, key=lambda one: sum(_weight(seen, pair) for pair in _pairs(one)))
        seen.update(_pairs(levels))
        chosen.append(Recipe(seed=first_seed + number, **levels))
    return chosen


def _pairs(levels: dict[str, Any]) -> list[tuple[str, Any, str, Any]]:
    return [(a, levels[a], b, levels[b]) for a, b in combinations(levels, 2)]


def _weight(seen: Counter[tuple[str, Any, str, Any]], pair: tuple[str, Any, str, Any]) -> int:
    """Count the occurrences of a pair, as if both factors had two levels."""
    return seen[pair] * len(LEVELS[pair[0]]) * len(LEVELS[pair[2]])
