"""Nothing leaves the computer, and nothing is written beside the user's files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from detection.plugins import load_plugin
from tests.detection.plugins import installer
from tests.places import ROOT

_RUN = """
from detection.network.shipped import PATH
from detection.onnx_session import onnx_session
onnx_session(PATH.read_bytes())
"""


def test_a_network_leaves_nothing_in_the_home_of_its_user(tmp_path: Path) -> None:
    # A continuous integration, named by CI, is not reported by ONNX Runtime anyway.
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    environment = kept | {"HOME": str(tmp_path), "XDG_CACHE_HOME": ""}
    subprocess.run([sys.executable, "-c", _RUN], cwd=ROOT, env=environment, check=True, timeout=200)
    assert list(tmp_path.iterdir()) == []


def test_a_plugin_with_a_model_of_its_own_does_not_report_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    source = "import os\nSEEN = os.environ.get('ORT_DISABLE_TELEMETRY')\nclass D:\n    find = print\n"
    installer(tmp_path, monkeypatch)("reporting_detector", source, "reporting = reporting_detector:D")
    assert load_plugin("reporting") is not None
    assert sys.modules["reporting_detector"].SEEN == "1"
