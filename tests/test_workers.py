"""The workers of `tests.workers`, on a few small tests of their own."""

import os
import subprocess
import sys
from pathlib import Path

from tests.places import ROOT

FILES = {
    "test_passes.py": "def test_a(tmp_path): pass\ndef test_b(): pass\n",
    "test_fails.py": "def test_said():\n    print('said')\n    assert 1 == 2\ndef test_after(): pass\n",
    "test_dies.py": "import os\ndef test_killed(): os.kill(os.getpid(), 9)\ndef test_left(): pass\n",
    "test_ends.py": """
import pytest
from pathlib import Path

@pytest.fixture(scope="session")
def kept():
    yield
    Path("ended").write_text("yes")

def test_uses_it(kept): pass
def test_uses_it_too(kept): assert not Path("ended").exists()
""",
}


def test_nothing_is_lost_when_tests_fail_and_workers_die(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.workers", "--workers", "2", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 1
    assert "2 failed, 6 passed" in done.stdout
    assert "test_fails.py::test_said - assert 1 == 2" in done.stdout
    assert "Captured stdout call" in done.stdout
    assert "The process that ran this test died." in done.stdout
    assert (tmp_path / "ended").read_text(encoding="utf-8") == "yes"
