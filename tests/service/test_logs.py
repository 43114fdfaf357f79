"""Logs: what is kept, and how often."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from service.logs import Seldom, configure
from tests.places import ROOT


def test_what_happens_often_is_one_line_a_minute_with_its_number() -> None:
    now_s = [0.0]
    seldom = Seldom(monotonic_s=lambda: now_s[0])
    lines: list[tuple[str, dict[str, object]]] = []

    def log(event: str, **values: object) -> None:
        lines.append((event, values))

    for _ in range(32_000):
        now_s[0] += 0.003
        seldom.write(log, "closed", most=200)
    seldom.write(log, "something else")
    assert [event for event, _ in lines] == ["closed", "closed", "something else"]
    assert lines[0][1] == {"most": 200}
    times = lines[1][1]["times"]
    assert isinstance(times, int)
    assert 19_000 < times < 21_000


@pytest.mark.parametrize("name", ["drivers.quanta.sem", "drivers.odemis.sem"])
def test_lines_of_drivers_are_in_the_log_of_the_run(tmp_path: Path, name: str) -> None:
    try:
        configure(tmp_path / "log.jsonl")
        logging.getLogger(name).warning("the stage says %s", "nothing")
        (line,) = (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    finally:
        configure()
    assert json.loads(line)["event"] == "the stage says nothing"


def test_a_line_before_any_session_is_not_on_standard_output() -> None:
    script = "from service.logs import get_logger as g; g('x').info('put back'); g('x').warning('odd')"
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout == ""
    assert "put back" not in ended.stderr
    assert "odd" in ended.stderr
