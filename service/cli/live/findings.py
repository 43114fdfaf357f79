"""Findings of the doctor, printed part by part."""

from collections.abc import Sequence

from service.cli.consoles import results
from service.diagnostics.checks import Level
from service.diagnostics.doctor import PARTS, WORDS, Finding


def print_findings(found: Sequence[Finding]) -> None:
    """Print findings and what to do about them, then the verdict."""
    for part in PARTS:
        facts = [one for one in found if one.part == part]
        if not facts:
            continue
        results.print(part)
        for one in facts:
            results.print(f"  {WORDS[one.level]:8s} {one.name:24s} {one.says}", soft_wrap=True)
            if one.do:
                results.print(f"{'':11s}-> {one.do}", soft_wrap=True)
    bad = [one for one in found if one.level is Level.RED]
    if bad:
        results.print(
            f"no session can run: {len(bad)} of {len(found)} checks failed; start with the first one"
        )
    else:
        results.print("a session can run")
