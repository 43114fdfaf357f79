"""A plug-in from its installation to boxes on the command line, and what is said where it is broken."""

from pathlib import Path

import pytest
import tifffile

from tests.detection.plugins import Install, documented_plugin, installer
from tests.detection.synthetic import make_section
from tests.service.saying import Said

RETURNS = """
from detection.image.boxes import BoxPx
from detection.image.hits import Hit
class D:
    def find(self, frame):
        return {}
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """See `installer`."""
    folder = tmp_path / "site"
    folder.mkdir()
    return installer(folder, monkeypatch)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "s.ome.tiff"
    metadata = {"axes": "YX", "PhysicalSizeX": 0.178, "PhysicalSizeY": 0.178}
    tifffile.imwrite(path, make_section(0, size_px=256, cells=6).pixels, ome=True, metadata=metadata)
    return path


def test_the_documented_plugin_finds_cells_in_a_file(
    say: Said, install: Install, image: Path, tmp_path: Path
) -> None:
    assert say("detect", image, "--detector", "otsu")[0] == 2
    source, (name, target) = documented_plugin()
    install(target.split(":")[0], source, f"{name} = {target}")
    arguments = ("detect", image, "--detector", name)
    status, document, said = say(*arguments, "--overlay", tmp_path / "o", "--roi", tmp_path / "r", "--json")
    assert (status, said) == (0, "")
    assert document["detector"] == name
    cells = document["frames"][0]["cells"]
    assert len(cells) >= 3
    assert {cell["confidence"] for cell in cells} == {0.9}
    assert (tmp_path / "o" / "s.png").is_file()
    status, table, _ = say(*arguments)
    assert status == 0
    assert f"{len(cells)} cells" in table
    status, _, said = say("detect", image, "--detector", "otsus")
    assert status == 2
    assert (
        "no detector named otsus; there are combined, network, recall-first, paper, forest:MODEL,"
        " network:MODEL, combined:MODEL, otsu" in said
    )


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "import no_such_network",
            "cannot be loaded: ModuleNotFoundError: No module named 'no_such_network'",
        ),
        ("class D:\n    pass", "has no method find(frame)"),
        ("class D:\n    def find(self, frame): 1 / 0", "failed (ZeroDivisionError: division by zero)"),
        ("class D:\n    def find(self, frame): raise SystemExit", "failed (SystemExit)"),
        ("class D:\n    def find(self): return [], []", "failed (TypeError: "),
        (RETURNS.format("None"), "gave no pair of a list of hits and a list of warnings"),
        (RETURNS.format("[(0, 0, 9, 9)], []"), "gave a tuple for a hit"),
        (RETURNS.format("[Hit(BoxPx(0, 0, 257, 9), 1.0)], []"), "(0, 0, 257, 9), which is not inside the"),
        (RETURNS.format("[Hit(BoxPx(0, 0, float('nan'), 9), 1.0)], []"), "(0, 0, nan, 9); it needs whole"),
        (RETURNS.format("[Hit(BoxPx(9, 0, 9, 9), 1.0)], []"), "the box (9, 0, 9, 9) is empty"),
        (RETURNS.format("[Hit(BoxPx(0, 0, 9, 9), float('nan'))], []"), "the confidence nan; it must be"),
        (RETURNS.format("[Hit(BoxPx(0, 0, 9, 9), 'high')], []"), "the confidence high; it must be"),
    ],
)
def test_a_broken_plugin_is_one_sentence(
    say: Said, install: Install, image: Path, source: str, sentence: str
) -> None:
    install("broken_detector", source, "broken = broken_detector:D")
    status, _, said = say("detect", image, "--detector", "broken")
    assert status == 2
    assert sentence in said
    assert said.count("\n") == 1


def test_a_plugin_that_finds_nothing_never_gives_a_silent_list(
    say: Said, install: Install, image: Path
) -> None:
    install("blind_detector", RETURNS.format("[], []"), "blind = blind_detector:D")
    status, document, _ = say("detect", image, "--detector", "blind", "--json")
    assert status == 0
    assert document["frames"][0]["cells"] == []
    assert "no cells" in document["frames"][0]["warnings"][0]
