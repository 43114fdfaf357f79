import re
from pathlib import Path

import pytest

import service.console

STYLE = (Path(service.console.__file__).parent / "style.css").read_text(encoding="utf-8")
LEVELS = ("danger", "fault", "attention", "notice")
TEXTS = ("text", "muted", "accent", "good", "attention", "fault", "danger")
PAIRS = [
    *((text, ground) for text in TEXTS for ground in ("ground", "card")),
    *((level, f"{level}-ground") for level in ("danger", "fault", "attention")),
    *(
        (text, ground)
        for text in ("text", "accent")
        for ground in STYLE.split()
        if ground.endswith("-ground:")
    ),
    ("on-accent", "accent"),
    ("ground", "danger"),
]


def colours(theme: str) -> dict[str, str]:
    rule = re.search(rf"body\.body--{theme} \{{(.*?)\}}", STYLE, re.DOTALL)
    assert rule is not None
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", rule[1]))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    parts = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_texts_stand_out_from_what_they_stand_on(theme: str) -> None:
    """By WCAG AA, on every page: all of them take their colours from these."""
    found = colours(theme)
    pairs = [(text.strip(), ground.strip("-:")) for text, ground in PAIRS]
    poor = {
        (t, g): round(contrast(found[t], found[g]), 2) for t, g in pairs if contrast(found[t], found[g]) < 4.5
    }
    assert poor == {}
    assert contrast(found["strong-line"], found["card"]) >= 3, "borders of inputs and buttons"


def test_pages_take_no_colour_of_text_from_anywhere_else() -> None:
    rules = re.findall(r"(?:^|[{;\s])color: ([^;}]+)", STYLE)
    assert {rule for rule in rules if not rule.startswith("var(--")} <= {"inherit !important"}
