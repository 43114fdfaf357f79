"""Sentences about sections on the holder; see `service.wording`."""

import math
from collections.abc import Sequence

from service.wording import some

_CAUTIONS = {
    "two_pairs": "with two landmarks nothing shows if one is wrong: add more",
    "on_a_line": "the landmarks lie on one line, and errors beside it do not show: add one beside it",
    "mirrored": "the overview is a mirror image of the stage, as if taken from below",
}


def caution_says(caution: str, wrong: Sequence[str]) -> str:
    """Return what to look at in a map from overview to stage; `wrong` names the landmarks that disagree."""
    if caution == "wrong_pairs":
        do, are = ("does", "is") if len(wrong) == 1 else ("do", "are")
        return f"{some(wrong)} {do} not agree with the others and {are} left out: measure again or remove"
    return _CAUTIONS[caution]


_NOTHING = {
    "empty": "the overview is empty: all of it has one brightness",
    "saturated": "the overview is saturated: take it again with less light",
    "blurred": "the overview is out of focus: it has no sharp edges; focus and take it again",
    "no_sections": (
        "no sections were found: nothing in the overview has four straight sides and one size;"
        " outline one or two sections and give them with --outline"
    ),
}


def nothing_says(nothing: str) -> str:
    """Return why no sections were found in an overview."""
    return _NOTHING[nothing]


_OUTLINE_DOUBTS = {
    "sides": "its sides are not clearly seen",
    "incomplete": "the substrate shows inside it: it may be torn or folded",
    "cut": "the picture or the glass ends there",
    "overlap": "it overlaps a section that is seen better",
    "shape": "it is about as large as a section, but has another shape",
}


def outline_doubt_says(doubt: str) -> str:
    """Return why a person should look at an outline."""
    return _OUTLINE_DOUBTS[doubt]


_SHAPE_DOUBTS = {
    "parts": ("each outline may hold several sections or a part of one"),
    "few": ("it was learned from fewer than three sections, and may be that of something else"),
    "another": ("most of what lies on the substrate does not clearly have it"),
}


def shape_doubt_says(doubt: str) -> str:
    """Return why a person should look at all outlines, and what to do."""
    advice = "look at the overlay, or outline one section and give it with --outline"
    return f"{_SHAPE_DOUBTS[doubt]}: {advice}"


def shape_doubt_is(doubt: str) -> str:
    """Return why the shape of all outlines is doubtful."""
    return _SHAPE_DOUBTS[doubt]


_LINK_DOUBTS = {
    "far": "their edges are apart, shifted or turned",
    "another": "another section may fit as well",
    "gap": "a section seems to be missing between them",
    "unknown": "one ribbon ends, and another begins",
    "direction": "which of them is first is not known",
    "unregistered": "nothing in their fluorescence could be laid on each other",
}


def link_doubt_says(doubt: str) -> str:
    """Return why a person should look at a link of an order."""
    return _LINK_DOUBTS[doubt]


def link_chance_says(chance: float, instead: Sequence[tuple[str, str, float]]) -> str:
    """Return how likely two sections are neighbours, and the other likely neighbours of either."""
    others = ", ".join(f"{one} beside {other} {share:.0%}" for one, other, share in instead)
    # Rounded down: a link below 99 % must not be listed with 99 %.
    return f"chance {math.floor(100 * chance)}%" + (f"; or {others}" if others else "")
