"""Figures of two runs of the benchmarks, kept and compared."""

from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import __main__ as program
from benchmarks.measuring import kept, rows
from benchmarks.measuring.compare import alone, pairs, print_pairs
from benchmarks.measuring.kept import Benchmark, Kept
from benchmarks.measuring.machine import machine
from benchmarks.measuring.rows import Row
from service.errors import InputError


def run_of(*found: Row, name: str = "cost") -> Kept:
    one = Benchmark(name=name, title="CPU", took_s=1.5, rows=found)
    return Kept(at="2026-01-01T00:00:00Z", machine=machine(), benchmarks=(one,))


BEFORE = run_of(
    rows.at_most("ms a frame", 10, 20),
    rows.at_least("recall", 0.9, 0.8),
    rows.beside("a copy", 50, 100, "MB/s", "cp", "high"),
    rows.at_most("lost", 0, 0),
    rows.at_most("unasked", 0, 0),
    rows.low("gone", 1, "1"),
    Row("said", "text"),
)
AFTER = run_of(
    rows.at_most("ms a frame", 11, 20),
    rows.at_least("recall", 0.45, 0.8),
    rows.beside("a copy", 75, 100, "MB/s", "cp", "high"),
    rows.at_most("lost", 0, 0),
    rows.at_most("unasked", 2, 0),
    rows.low("new", 1, "1"),
    Row("said", "text"),
)


def test_what_got_worst_comes_first_whatever_its_better_direction() -> None:
    found = {pair.what: pair for pair in pairs(BEFORE, AFTER)}
    assert list(found) == ["unasked", "recall", "ms a frame", "lost", "a copy"]
    assert found["recall"].ratio == pytest.approx(0.5)
    assert found["recall"].worse == pytest.approx(2)
    assert found["ms a frame"].worse == pytest.approx(1.1)
    assert found["a copy"].worse == pytest.approx(1 / 1.5)
    assert found["lost"].worse == 1
    assert found["unasked"].worse == float("inf")
    assert alone(BEFORE, AFTER) == (["cost: gone"], ["cost: new"])


def test_a_figure_of_another_benchmark_is_not_the_same() -> None:
    assert pairs(BEFORE, run_of(*AFTER.benchmarks[0].rows, name="planning")) == []


def test_a_figure_that_is_no_number_is_kept_and_not_compared(tmp_path: Path) -> None:
    none = run_of(rows.low("ratio", float("nan"), "nan"))
    kept.write(none, tmp_path / "a.json")
    assert kept.read(tmp_path / "a.json") == none
    assert pairs(none, none) == []


def test_a_run_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    kept.write(BEFORE, tmp_path / "new" / "a.json", array={"sections": 3})
    assert kept.read(tmp_path / "new" / "a.json") == BEFORE


@pytest.mark.parametrize("text", ["", "[]", "3", "{}", '{"v": 2}', "{"])
def test_another_file_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.json: ") as refused:
        kept.read(file)
    assert "\n" not in str(refused.value)


def test_the_table_names_both_computers_and_a_goal_that_is_missed_now() -> None:
    console = Console(record=True, width=160)
    print_pairs(BEFORE, AFTER, console)
    text = console.export_text()
    assert text.count(machine().cpu) == 2
    (recall,) = (line for line in text.splitlines() if "recall" in line)
    assert recall.split()[-4:] == ["0.450", "0.500", "worse", "MISSED"]
    assert "only in A: cost: gone" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compare", "a.json"], "two files"),
        (["compare", "a.json", "b.json"], "no such file"),
        (["nothing"], "nothing"),
    ],
)
def test_the_program_says_what_is_wrong(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
