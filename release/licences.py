"""The licences of what the program needs at run time, and which of them we may build on.

``python -m release.licences`` lists them.
"""

import re
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from release.run_time import EXTRAS, installed, needed

PERMISSIVE = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "HPND",
        "ISC",
        "MIT",
        "MIT-CMU",
        "PSF-2.0",
        "Python-2.0",
        "Unlicense",
        "Zlib",
    }
)
"""SPDX identifiers of licences that ask for no more than their text and a notice."""

KNOWN = {
    "arcp": ("Apache License, Version 2.0", "Apache-2.0"),
    # Public domain and BSD by its COPYING.rst; the GPL is that of a mode for Emacs, which no wheel has.
    "docutils": ("BSD-3-Clause AND GNU-General-Public-License-(GPL)", "BSD-2-Clause"),
    "protobuf": ("3-Clause BSD License", "BSD-3-Clause"),
}
"""Packages whose statement is no expression, or says too much: the statement as a person has read it, and the
licence that it was found to mean. Another statement is refused until somebody has read it."""

WEAK = {"MPL-2.0": "asks for the source of its own files only, which we do not change"}
"""Licences that are taken with a reason."""

CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Zero-Clause BSD (0BSD)": "0BSD",
}
"""SPDX identifiers for the classifiers of PyPI; of BSD the classifier does not say which."""

_CLASSIFIER = "License :: OSI Approved :: "
_WORD = re.compile(r"[()]|[^\s()]+")


@dataclass(frozen=True, slots=True)
class Licence:
    """The licence of one package."""

    package: str
    version: str
    expression: str
    """SPDX expression, or the words of the package where it has none; empty if it says nothing."""

    @property
    def allowed(self) -> bool:
        """True for a licence that the program may build on."""
        return allows(self.expression)


def licence_of(one: Distribution) -> Licence:
    """Return the licence that a package states: as an expression, else by classifier, else in words."""
    expression = _stated(one, "License-Expression")
    if not expression:
        named = [
            text.removeprefix(_CLASSIFIER)
            for text in one.metadata.get_all("Classifier") or ()
            if text.startswith(_CLASSIFIER)
        ]
        # Not said whether one may choose, so all must be allowed.
        expression = " AND ".join(CLASSIFIERS.get(name, name.replace(" ", "-")) for name in named)
    if not expression:
        words = " ".join(_stated(one, "License").split())[:80]
        expression = CLASSIFIERS.get(words, words)
    read, meaning = KNOWN.get(one.name, ("", ""))
    return Licence(one.name, one.version, meaning if meaning and expression == read else expression)


def _stated(one: Distribution, key: str) -> str:
    (text,) = one.metadata.get_all(key) or ("",)
    return str(text)


def allows(expression: str) -> bool:
    """Return true if an SPDX expression leaves a choice of licences that we may build on.

    Anything that is no such expression, or names an unknown licence, is refused.
    """
    words = _WORD.findall(expression)
    try:
        value, rest = _either(words)
    except IndexError:
        return False
    return value and not rest


def _either(words: list[str]) -> tuple[bool, list[str]]:
    value, rest = _both(words)
    while rest and rest[0].upper() == "OR":
        other, rest = _both(rest[1:])
        value = value or other
    return value, rest


def _both(words: list[str]) -> tuple[bool, list[str]]:
    value, rest = _one(words)
    while rest and rest[0].upper() == "AND":
        other, rest = _one(rest[1:])
        value = value and other
    return value, rest


def _one(words: list[str]) -> tuple[bool, list[str]]:
    if words[0] == "(":
        value, rest = _either(words[1:])
        return value and rest[0] == ")", rest[1:]
    return words[0] in PERMISSIVE or words[0] in WEAK, words[1:]


def licences() -> list[Licence]:
    """Return the licences of all that the program needs, as installed here."""
    return [licence_of(one) for one in needed(installed(), EXTRAS)]


def licences_in(site: Path) -> list[Licence]:
    """Return the licences of all packages in a folder, our own included, without pip."""
    every = {canonicalize_name(one.name): one for one in distributions(path=[str(site)])}
    return [licence_of(every[name]) for name in sorted(every.keys() - {"pip", "setuptools"})]


def table(found: list[Licence]) -> str:
    """Return licences as a table of text."""
    widths = [max(len(text) for text in column) for column in zip(*map(_row, found), strict=True)]
    return "".join(
        "  ".join(text.ljust(width) for text, width in zip(_row(one), widths, strict=True)).rstrip() + "\n"
        for one in found
    )


def _row(one: Licence) -> tuple[str, str, str]:
    return one.package, one.version, one.expression or "states none"


if __name__ == "__main__":
    print(table(licences()), end="")
