"""The README shows what a dry run prints."""

import re

import pytest

from tests.places import ROOT
from tests.service.saying import Said

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


def test_a_dry_run_ends_with_the_lines_of_the_readme(
    say: Said, tmp_path_factory: pytest.TempPathFactory
) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"It ends like this:\n\n```\n(.*?)```", readme, re.DOTALL)
    shown = block.splitlines()
    status, said, _ = say("dry-run", "--out", tmp_path_factory.mktemp("readme") / "run")
    assert status == 0
    assert len(shown) > 4
    assert [line for line in said.splitlines() if line in shown] == shown
