"""Sections in overviews as people bring them: simulated arrays, altered as cameras and programs do it.

Every alteration is judged on few and on many scattered sections, and on ribbons; the worst come first.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.holder import alterations as change
from benchmarks.holder.alterations import Shown
from benchmarks.holder.sections import ARRAY, PICTURE, Score, score, truth_of
from benchmarks.measuring.rows import Row, at_least, at_most
from detection.overview.find import find_sections
from simulators.overview.picture import draw_overview
from simulators.overview.placing import place_array
from simulators.overview.values import ArraySettings, PictureSettings

TITLE = "sections in overviews as people bring them"
ON_REQUEST = True
"""Some minutes."""
FIRST_SEED = 70 if os.environ.get("ILEMTRACK_BENCH_SEEDS") == "development" else 6_400
ARRAYS: dict[str, ArraySettings] = {
    "6 scattered": replace(ARRAY, sections=6, missing_share=0, fill=0.06),
    "40 scattered": replace(ARRAY, sections=40),
    "40 in ribbons": replace(ARRAY, sections=40, arrangement="ribbons"),
}

Alteration = Callable[[Shown, np.random.Generator], Shown]


@dataclass(frozen=True, slots=True)
class Group:
    """Keys of the arrays and pictures of a group, and their alteration."""

    array: dict[str, float]
    picture: dict[str, float | str]
    altered: Alteration = lambda shown, _: shown


def _sized(width: float) -> Group:
    return Group({"width_px": width, "height_px": 0.73 * width}, {"tile_px": max(600, round(8 * width))})


def _drawn(**keys: float | str) -> Group:
    return Group({}, keys)


def _by(altered: Callable[..., Shown], *values: object) -> Group:
    return Group({}, {}, lambda shown, _: altered(shown, *values))


def _by_chance(altered: Callable[..., Shown], *values: object, **picture: float | str) -> Group:
    return Group({}, picture, lambda shown, rng: altered(shown, *values, rng))


WHITE = (1.0, 1.0, 1.0)
GROUPS: dict[str, Group] = {
    "as simulated": _drawn(),
    **{f"sections of {width} px": _sized(width) for width in (25, 100, 200, 400)},
    **{f"contrast {value:+g}": _drawn(contrast=value) for value in (-0.1, -0.2, -0.8)},
    **{f"contrast {value:+g}, on dark": _drawn(contrast=value, background=0.2) for value in (0.25, 0.6, 2.0)},
    **{f"gamma {value:g}": _by(change.by_gamma, value) for value in (0.45, 2.2)},
    "light falls to .4": _drawn(uneven=0.6, tile_px=0),
    "vignetting of .6": _by(change.vignetted, 0.6),
    "strong seams": _drawn(tile_px=350, tile_vignetting=0.3, tile_gain=0.12),
    **{f"JPEG {value}": _by(change.as_jpeg, value) for value in (50, 75, 95)},
    "16 bit": _by(change.in_16_bit, 65535),
    "12 of 16 bit": _by(change.in_16_bit, 4095),
    "RGB": _by_chance(change.in_colour, WHITE, 0.0),
    "RGB with a cast": _by_chance(change.in_colour, (1.0, 0.85, 0.5), 0.0),
    "RGB, sections of many hues": _by_chance(change.in_colour, WHITE, 0.4),
    "RGB, faint, many hues": _by_chance(change.in_colour, WHITE, 0.3, contrast=-0.05),
    **{f"blur of {value} px": _drawn(blur_px=value) for value in (1.5, 2.5, 4.0)},
    **{f"noise of {value:g}": _drawn(noise=value) for value in (0.03, 0.08)},
    "turned by 17 deg, black corners": _by(change.turned, 17, 0),
    "turned by 45 deg, white corners": _by(change.turned, 45, 255),
    "turned by 30 deg, grey corners": _by(change.turned, 30, 128),
    "turned by 90 deg": _by(change.turned, 90, 0),
    "mirrored": _by(change.mirrored),
    "cropped": _by(change.cropped),
    "scale bar and text": _by(change.lettered),
    "black stepped border": _by_chance(change.bordered, 0),
    "white stepped border": _by_chance(change.bordered, 255),
    "coverslip": _drawn(substrate="coverslip", tile_px=0),
    "much inside": _drawn(texture=0.7),
    "plain": _drawn(texture=0.0),
    "more inside than around": _drawn(contrast=-0.2, texture=1.5),
}
SEVERAL = {
    "two wafers": ("wafer", 20),
    "two wafers on white": ("wafer", 255),
    "two coverslips": ("coverslip", 70),
}


def run() -> list[Row]:
    """All groups, the worst first."""
    judged = {}
    for name, group in GROUPS.items():
        judged[name] = [
            _found(_shown(array, group, FIRST_SEED + number)) for number, array in enumerate(ARRAYS.values())
        ]
        _say(name, judged[name])
    for name, (substrate, grey) in SEVERAL.items():
        group = _drawn(substrate=substrate, tile_px=0)
        judged[name] = [
            _found(
                change.beside([_shown(array, group, FIRST_SEED + more + number) for more in (0, 10)], grey)
            )
            for number, array in enumerate(ARRAYS.values())
        ]
        _say(name, judged[name])
    rows = [
        Row(
            name,
            "; ".join(f"{array}: {_words(one)}" for array, one in zip(ARRAYS, judged[name], strict=True)),
        )
        for name in sorted(judged, key=lambda name: _share([one for one, _ in judged[name]]))
    ]
    everything = [one for each in judged.values() for one, _ in each]
    expected = sum(one.expected for one in everything)
    silent = sum(
        not doubted and 2 * one.found < one.expected for each in judged.values() for one, doubted in each
    )
    return [
        *rows,
        at_least(f"found, of {expected}", _share(everything), 0.98),
        at_most(
            "false", sum(one.false for one in everything) / sum(one.outlines for one in everything), 0.01
        ),
        Row("pictures with fewer than half found and no doubt about it", str(silent)),
    ]


def _shown(array: ArraySettings, group: Group, seed: int) -> Shown:
    settings: ArraySettings = replace(array, seed=seed, **group.array)  # type: ignore[arg-type]
    picture: PictureSettings = replace(PICTURE, seed=seed, **group.picture)  # type: ignore[arg-type]
    overview = draw_overview(place_array(settings), picture)
    expected, others = truth_of(overview.shown)
    shown = Shown(overview.image, tuple(expected), tuple(others))
    return group.altered(shown, np.random.default_rng([seed, 5]))


def _found(shown: Shown) -> tuple[Score, bool]:
    """Return the score, and True where nothing, or a doubtful shape, is reported."""
    found = find_sections(shown.pixels)
    outlines = [np.array(one.corners_px) for one in found.sections]
    doubted = found.nothing is not None or found.shape_doubt is not None
    return score(outlines, shown.expected, shown.others, 180.0), doubted


def _words(judged: tuple[Score, bool]) -> str:
    one, doubted = judged
    false = f", {one.false} false" if one.false else ""
    return f"{one.found} of {one.expected}{false}{', doubted' if doubted else ''}"


def _share(scores: list[Score]) -> float:
    return sum(one.found for one in scores) / max(sum(one.expected for one in scores), 1)


def _say(name: str, judged: list[tuple[Score, bool]]) -> None:
    print(f"{name}: {'; '.join(_words(one) for one in judged)}", file=sys.stderr, flush=True)
