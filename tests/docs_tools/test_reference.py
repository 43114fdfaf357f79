"""The references of commands and settings, made from the code."""

import re

import pytest
from pydantic import BaseModel

from config.model import Config
from docs_tools.places import PICTURES, REFERENCE
from docs_tools.reference.cells import cell
from docs_tools.reference.pages import PAGES
from docs_tools.reference.settings import models_in, unit


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_is_that_of_the_code(name: str) -> None:
    """``python -m docs_tools`` renews it."""
    assert (REFERENCE / name).read_text(encoding="utf-8") == PAGES[name]()


def test_no_other_file_claims_to_be_made_from_the_code() -> None:
    assert {path.name for path in REFERENCE.iterdir()} == set(PAGES)


OTHER_WORDS = {
    "image_bits": "Bit",
    "offset_adu": "Grey level",
    "electrons_per_adu": "grey level",
    "outline_um": "Outline",
    **dict.fromkeys(
        ("brightness_photons", "background_photons", "bell_photons"), "photons per pixel and second"
    ),
}
"""Words for a unit other than the table's, by setting. The corners of an outline have theirs in the type."""


def numbers(model: type[BaseModel]) -> dict[str, str]:
    """Return the descriptions of the settings with a unit in their names, by name."""
    found: dict[str, str] = {}
    for name, field in model.model_fields.items():
        for part in models_in(field.annotation):
            found |= numbers(part)
        if unit(name):
            found[name] = field.description or ""
    return found


def test_the_unit_of_a_setting_is_the_one_that_its_description_states() -> None:
    stated = numbers(Config)
    assert len(stated) > 100
    assert unit("beam_current_pa") == "pA"
    assert unit("high_vacuum_pa") == "Pa"
    for name, said in stated.items():
        word = OTHER_WORDS.get(name, unit(name))
        assert re.search(rf"\b{word}s?\b", said), (name, word, said)


def test_text_stays_in_its_cell() -> None:
    assert cell("a | b\n*c* <d> `e|<f>` 1<=x") == r"a \| b \*c\* &lt;d> `e\|<f>` 1<=x"


def test_pictures_are_no_larger_than_a_page_needs() -> None:
    sizes = {path.name: path.stat().st_size for path in PICTURES.iterdir()}
    assert len(sizes) > 8
    assert {name: size for name, size in sizes.items() if size > 450_000} == {}
