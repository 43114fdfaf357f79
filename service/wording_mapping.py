"""Sentences about sections on the holder; see `service.wording`."""

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


_DOUBTS = {
    "far": "their edges are apart, shifted or turned",
    "another": "another section fits nearly as well",
    "gap": "a section seems to be missing between them",
    "unknown": "one ribbon ends, and another begins",
    "direction": "which of them is first is not known",
    "unlike": "their fluorescence is hardly alike",
}


def doubt_says(doubt: str) -> str:
    """Return why a person should look at a link of an order."""
    return _DOUBTS[doubt]
