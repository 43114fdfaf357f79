"""Imports of a command before it does anything: it must start at once."""

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from service.cli.commands import COMMANDS
from service.cli.lazy import Entry, Section, Table
from tests.places import ROOT

HEAVY = frozenset(
    {
        "PIL",
        "apprise",
        "cv2",
        "imagecodecs",
        "matplotlib",
        "numpy",
        "onnx",
        "onnxruntime",
        "ortools",
        "scipy",
        "shapely",
        "skimage",
        "sklearn",
        "tifffile",
    }
)
"""Modules that take long to load."""

DAEMON = frozenset({"config.base", "structlog", "yaml"})
"""Modules of the daemon: `config.base`, the base of its pydantic models, YAML and logs.

Pydantic itself is not among them, as typer converts options with it.
"""

LOADED = """
import contextlib, io, json, sys
from service.cli.commands import run
found = []
before = set()
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        status = run(words)
    names = {name if name == "config.base" else name.partition(".")[0] for name in sys.modules}
    found.append([status, sorted(names - before)])
    before = names
print(json.dumps(found))
"""

SHORT_ENOUGH = 63
"""Characters of a summary that the help shows whole on a terminal of 80 columns."""


def loaded(runtime: Path, commands: list[list[str]]) -> list[tuple[int, set[str]]]:
    """Run commands one after another in a new process.

    Returns the exit status of each, and the top-level modules (and `config.base`) that it loaded first.
    """
    done = subprocess.run(
        [sys.executable, "-c", LOADED, json.dumps(commands)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"XDG_RUNTIME_DIR": str(runtime), "XDG_CONFIG_HOME": str(runtime)},
        timeout=200,
        check=True,
    )
    return [(status, set(names)) for status, names in json.loads(done.stdout)]


def tables() -> Iterator[tuple[tuple[str, ...], Table]]:
    yield (), COMMANDS
    for name, entry in COMMANDS.items():
        if isinstance(entry, Section):
            yield (name,), entry.commands


ENTRIES = {
    (*group, name): entry
    for group, table in tables()
    for name, entry in table.items()
    if isinstance(entry, Entry)
}
"""Every command by its words."""


@pytest.mark.parametrize("words", ENTRIES, ids=" ".join)
def test_the_summary_of_a_command_is_the_first_line_of_its_docstring(words: tuple[str, ...]) -> None:
    entry = ENTRIES[words]
    module, _, function = entry.function.partition(":")
    document = inspect.getdoc(getattr(import_module(module), function))
    assert document is not None
    assert document.splitlines()[0] == entry.summary
    assert len(entry.summary) <= SHORT_ENOUGH


def test_every_function_of_the_table_has_one_command() -> None:
    functions = [entry.function for entry in ENTRIES.values()]
    assert len(functions) == len(set(functions)) == 61


def test_help_loads_nothing_heavy(runtime_dir: Path) -> None:
    commands = [[*words, "--help"] for words in ((), *(group for group, _ in tables()), *ENTRIES)]
    for words, (status, names) in zip(commands, loaded(runtime_dir, commands), strict=True):
        assert (words, status, names & (HEAVY | DAEMON)) == (words, 0, set())


def test_a_client_loads_nothing_heavy(runtime_dir: Path) -> None:
    commands = [
        ["events"],
        ["pause"],
        ["continue"],
        ["abort"],
        ["ack"],
        ["estimate"],
        ["status"],
        ["queue", "list"],
        ["queue", "show", "J000001"],
        ["queue", "hold", "J000001"],
        ["queue", "release", "J000001"],
        ["queue", "approve", "J000001", "-m", "half"],
        ["queue", "skip", "J000001", "-m", "a fold"],
        ["queue", "move", "J000001", "--first"],
        ["targets", "brightest", "10", "--preview"],
        ["review", "reject", "S0001/F000/c0001"],
    ]
    found = loaded(runtime_dir, commands)
    for words, (status, names) in zip(commands, found, strict=True):
        assert (words, status, names & (HEAVY | DAEMON)) == (words, 3, set())
    assert "zmq" in found[0][1]
    # Tables need it; the commands before do without.
    assert [n for n, (_, names) in enumerate(found) if "rich" in names] == [commands.index(["queue", "list"])]


ANSWER = {
    "phase": "electron",
    "time_s": 60.0,
    "left_s": 60.0,
    "finish_at": "2026-01-01T00:00:00Z",
    "fields": {"planned": 2},
    "jobs": {"done": 1, "queued": 2},
    "current_job": {"kind": "frame", "job": "J000002", "beam_s": 9.0},
    "focus": [],
    "overviews": None,
    "images": {"bad": {"blank": 1}, "taken_again": 1, "waiting": 0, "retakes": 1},
    "health": {"step": "the scan of J000002", "running_s": 1.0, "allowed_s": 20.0, "stalled": False},
    "devices": {
        "stage_m": [0.0, 0.0],
        "vacuum": "high",
        "pressure_pa": 1e-3,
        "beam_blanked": True,
        "light_on": False,
    },
}
SHOWN = """
import json, sys
from service.cli.live import status
class Daemon:
    def __init__(self, *where, **more): pass
    def __enter__(self): return self
    def __exit__(self, *error): pass
    def call(self, method):
        return json.loads(sys.argv[1]) if method == "status" else {"run": "r", "kind": "run", "pid": 1}
status.Client = Daemon
status.status()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_a_status_with_an_answer_loads_nothing_heavy_either() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOWN, json.dumps(ANSWER)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=200,
        check=True,
    )
    *said, names = done.stdout.splitlines()
    assert "fields   2 planned" in said
    assert set(json.loads(names)) & HEAVY == set()


def test_keys_and_the_unit_need_nothing_heavy(runtime_dir: Path) -> None:
    commands = [["keys", "list"], ["config", "unit"], ["--version"]]
    for words, (status, names) in zip(commands, loaded(runtime_dir, commands), strict=True):
        assert (words, status, names & (HEAVY | DAEMON)) == (words, 0, set())


def test_a_configuration_is_shown_without_the_libraries_of_images(runtime_dir: Path) -> None:
    ((status, names),) = loaded(runtime_dir, [["config", "show"]])
    assert status == 0
    assert names & HEAVY <= {"numpy", "shapely"}
