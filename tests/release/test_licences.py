"""Licences of what the program needs at run time: a new copyleft one must be read by a person first."""

from email.message import Message
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from release.licences import PERMISSIVE, Licence, allows, licence_of, licences, table


@pytest.fixture(scope="module")
def found() -> list[Licence]:
    return licences()


def test_every_package_at_run_time_has_a_licence_that_is_allowed(found: list[Licence]) -> None:
    assert len(found) > 60
    assert [one for one in found if not one.allowed] == []
    assert table(found).count("\n") == len(found)


def test_the_console_and_what_it_needs_are_among_them_and_no_tool_of_developers(found: list[Licence]) -> None:
    names = {one.package.lower() for one in found}
    assert {"nicegui", "starlette", "numpy", "pyzmq"} <= names
    assert names & {"bm3d", "pytest", "torch", "ortools", "mypy", "npy2bdv", "zensical"} == set()


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("(GPL-2.0-only OR MIT) AND BSD-3-Clause", True),
        ("MIT AND (GPL-2.0-only OR AGPL-3.0-only)", False),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("GPL-3.0-or-later", False),
        ("LGPL-3.0-only", False),
        ("", False),
        ("MIT AND", False),
        ("(MIT", False),
        ("MIT License", False),
        ("Do what you like", False),
    ],
)
def test_an_expression_is_allowed_if_it_leaves_such_a_choice(expression: str, allowed: bool) -> None:
    assert allows(expression) == allowed


def package(folder: Path, name: str, *stated: tuple[str, str]) -> Path:
    """Install a package that states a licence."""
    message = Message()
    for key, value in (("Metadata-Version", "2.4"), ("Name", name), ("Version", "1.0"), *stated):
        message.add_header(key, value)
    place = folder / f"{name}-1.0.dist-info"
    place.mkdir()
    (place / "METADATA").write_text(message.as_string(), encoding="utf-8")
    return place


_OSI = "License :: OSI Approved :: "


@pytest.mark.parametrize(
    ("stated", "expression"),
    [
        ((("License-Expression", "MIT"), ("License", "GPL")), "MIT"),
        ((("Classifier", f"{_OSI}BSD License"), ("License", "see there")), "BSD-3-Clause"),
        (
            (("Classifier", f"{_OSI}MIT License"), ("Classifier", f"{_OSI}GNU General Public License (GPL)")),
            "MIT AND GNU-General-Public-License-(GPL)",
        ),
        ((("License", "MIT License"),), "MIT"),
        ((("License", "Ours"),), "Ours"),
        ((), ""),
    ],
)
def test_the_licence_is_the_one_that_a_package_states(
    tmp_path: Path, stated: tuple[tuple[str, str], ...], expression: str
) -> None:
    licence = licence_of(Distribution.at(package(tmp_path, "some", *stated)))
    assert (licence.package, licence.version, licence.expression) == ("some", "1.0", expression)
    assert licence.allowed == (expression in PERMISSIVE)


def test_a_package_that_was_read_is_refused_when_it_states_something_else(tmp_path: Path) -> None:
    assert not licence_of(
        Distribution.at(package(tmp_path, "docutils", ("License-Expression", "GPL-3.0-only")))
    ).allowed
