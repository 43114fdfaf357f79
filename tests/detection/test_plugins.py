"""Plug-ins found through their entry point; the one in docs/detectors.md is taken from there."""

from pathlib import Path

import numpy as np
import pytest

from detection.detectors import Detector
from detection.errors import DetectionError
from detection.image.boxes import BoxPx
from detection.image.frames import Frame, check_frame
from detection.image.hits import Hit
from detection.plugins import Plugin, load_plugin, plugin_names
from tests.detection.plugins import Install, documented_plugin, installer
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """See `installer`."""
    return installer(tmp_path, monkeypatch)


def section() -> Frame:
    return check_frame(make_section(0).pixels, PIXEL_SIZE_UM)


def test_the_documented_plugin_is_short_and_finds_cells(install: Install) -> None:
    source, (name, target) = documented_plugin()
    assert len(source.splitlines()) <= 22
    install(target.split(":")[0], source, f"{name} = {target}")
    assert name in plugin_names()
    plugin = load_plugin(name)
    assert plugin is not None
    hits, warnings = plugin.find(section())
    assert len(hits) > 5
    assert warnings == []
    ramp = np.add.outer(np.arange(32), np.zeros(32)).astype(np.uint16)
    hits, warnings = plugin.find(check_frame(ramp // 31, 0.05))
    assert not hits
    assert "no cells" in warnings[0]


def test_an_unknown_name_is_no_plugin() -> None:
    assert load_plugin("not-installed") is None


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("import not_there", "cannot be loaded: ModuleNotFoundError"),
        ("def D(): raise RuntimeError('no weights')", "cannot be loaded: RuntimeError: no weights"),
        ("D = dict", r"has no method find\(frame\)"),
    ],
)
def test_a_plugin_that_cannot_be_made_is_named(install: Install, source: str, sentence: str) -> None:
    install("broken_detector", source, "broken = broken_detector:D")
    with pytest.raises(DetectionError, match=rf"broken .*{sentence}"):
        load_plugin("broken")


def test_two_plugins_of_one_name_are_refused(install: Install) -> None:
    install("one_detector", "D = dict", "same = one_detector:D")
    install("other_detector", "D = dict", "same = other_detector:D")
    with pytest.raises(DetectionError, match="one_detector, other_detector"):
        load_plugin("same")


class Gives:
    """A detector that gives what a test wants."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def find(self, frame: Frame) -> tuple[list[Hit], list[str]]:  # noqa: ARG002
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (None, "no pair of a list of hits and a list of warnings"),
        (([], "text"), "no pair"),
        ((["cell"], []), "gave a str for a hit"),
        (
            ([Hit(BoxPx(0, 0, 513, 3), 0.5)], []),
            r"\(0, 0, 513, 3\), which is not inside the frame of 512 x 512",
        ),
        (([Hit(BoxPx(-1, 0, 5, 3), 0.5)], []), "not inside"),
        (([Hit(BoxPx(0, 0, 5, 3), 1.5)], []), "the confidence 1.5; it must be from 0 to 1"),
        (([Hit(BoxPx(0, 0, 5, 3), float("nan"))], []), "the confidence nan"),
        (([Hit(BoxPx(0, 0, 5, 3), None)], []), "the confidence None"),  # type: ignore[arg-type]
        (([Hit(BoxPx(0, 0, 5, 3), "1")], []), "the confidence 1; it must"),  # type: ignore[arg-type]
        (
            ([Hit(BoxPx(0, 0, 5, 3), 0.5, -1.0)], []),
            "uncertainty_um -1.0; it must be from 0 to 100",
        ),
        (([Hit(BoxPx(0, 0, 5, 3), 0.5, float("nan"))], []), "the extent_uncertainty_um nan"),
        (([Hit((0, 0, 5, 3), 0.5)], []), "gave a tuple for the box of a hit"),  # type: ignore[arg-type]
        (([Hit(BoxPx(0.5, 0, 5, 3), 0.5)], []), r"\(0.5, 0, 5, 3\); it needs whole"),  # type: ignore[arg-type]
        (([Hit(BoxPx(0, 0, float("nan"), 3), 0.5)], []), "it needs whole pixels"),  # type: ignore[arg-type]
        ((np.zeros((3, 4)), []), "no pair"),
        (SystemExit(1), r"failed \(SystemExit: 1\)"),
        (ValueError("two\nlines"), r"failed \(ValueError: two lines\)"),
        (RuntimeError("out of memory"), r"failed \(RuntimeError: out of memory\)"),
        (KeyError(), r"failed \(KeyError\)"),
        (DetectionError("too dark"), "^too dark$"),
    ],
)
def test_what_a_plugin_gives_is_checked(answer: object, sentence: str) -> None:
    detector: Detector = Plugin("mine", Gives(answer))
    with pytest.raises(DetectionError, match=sentence):
        detector.find(section())


def test_numbers_of_numpy_become_plain_ones() -> None:
    box = BoxPx(*np.array([1, 2, 30, 40], np.int32))
    hits, _ = Plugin("mine", Gives(([Hit(box, np.float32(0.5))], []))).find(section())  # type: ignore[arg-type]
    (hit,) = hits
    assert {type(side) for side in hit.box.as_tuple()} == {int}
    assert (type(hit.confidence), type(hit.extent_uncertainty_um)) == (float, float)
