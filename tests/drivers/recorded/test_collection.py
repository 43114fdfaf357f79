"""Files, folders and patterns as people name them, and their order."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from drivers.errors import FrameError
from drivers.recorded.collection import image_files, natural_key, read_collection
from tests.drivers.recorded.writers import PIXELS, write_ome

NAMES = ("s1.tif", "s2.tif", "s10.tif")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        tifffile.imwrite(
            tmp_path / name, np.full((8, 8), int(name[1:-4]), np.uint8), photometric="minisblack"
        )
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "._s1.tif").write_text("x")
    return tmp_path


def test_a_folder_stands_for_its_images_in_natural_order(folder: Path) -> None:
    found = image_files([folder], ordered=True)
    assert [path.name for path in found.paths] == list(NAMES)
    assert found.notices == ()
    assert [int(one.pixels[0, 0]) for one in read_collection(found.paths, 178).frames] == [1, 2, 10]


def test_a_pattern_in_quotes_is_in_natural_order(folder: Path) -> None:
    assert [path.name for path in image_files([folder / "s*.tif"]).paths] == list(NAMES)
    with pytest.raises(FrameError, match=r"fits no file"):
        image_files([folder / "t*.tif"])


def test_folders_of_a_folder_are_said_and_named_by_a_pattern(tmp_path: Path, folder: Path) -> None:
    """As the fluorescence of a run lies in fm/S0001/F000.ome.tiff."""
    run = tmp_path / "run"
    for n in (1, 2, 10):
        (run / f"fm/S{n}").mkdir(parents=True)
        shutil.copy(folder / "s1.tif", run / f"fm/S{n}/F000.tif")
    (run / "fm/.hidden").mkdir()
    shutil.copy(folder / "s1.tif", run / "fm/.hidden")
    with pytest.raises(FrameError) as refused:
        image_files([run / "fm"])
    assert str(refused.value).endswith(
        f"Its folders do: S1, S2, S10. Name those you mean; or by a pattern, such as '{run}/fm/*'"
    )
    for pattern in ("fm/*", "fm/S*", "fm/*/*.tif", "**/F*.tif", "f?/S[0-9]*/F000.tif"):
        found = image_files([run / pattern]).paths
        assert [path.parent.name for path in found] == ["S1", "S2", "S10"], pattern
    with pytest.raises(FrameError, match=r"\.zarr\. Its folders do: fm/S1, fm/S2, fm/S10\. Name"):
        image_files([run])
    (run / "em").mkdir()
    shutil.copy(folder / "s1.tif", run / "em")
    for n in (2, 10):
        shutil.rmtree(run / f"fm/S{n}")
    with pytest.raises(FrameError, match=r"Its folders do: fm/S1, em\. Name"):
        image_files([run])
    shutil.copy(folder / "s1.tif", run / "fm")
    assert image_files([run / "fm"]).paths == (run / "fm/s1.tif",)


def test_files_keep_the_order_given_and_people_are_warned_of_another(folder: Path) -> None:
    as_a_shell_has_it = sorted(folder.glob("s*.tif"))
    found = image_files(as_a_shell_has_it, ordered=True)
    assert [path.name for path in found.paths] == ["s1.tif", "s10.tif", "s2.tif"]
    (notice,) = found.notices
    assert "s10.tif stands where s2.tif would by its number" in notice
    assert image_files(as_a_shell_has_it).notices == ()
    assert image_files([folder / name for name in NAMES], ordered=True).notices == ()


def test_what_many_files_have_in_common_is_told_once(tmp_path: Path) -> None:
    sizes = {"PhysicalSizeX": 1.0, "PhysicalSizeY": 1.0}
    paths = [write_ome(tmp_path / f"{n}.ome.tif", PIXELS, **sizes) for n in range(3)]
    (notice,) = read_collection(paths, 178).notices
    assert notice.startswith(f"{paths[0]} (and of 2 more): the pixel size is 178 nm as given, not 1000 nm")


def test_numbers_sort_as_numbers_wherever_they_stand() -> None:
    names = ["b2_c10", "b2_c9", "b10_c1", "a", "B1", "b02", "b" + "9" * 5000, "b٣"]
    ordered = sorted((Path(name) for name in names), key=natural_key)
    assert [path.name for path in ordered[:6]] == ["a", "B1", "b02", "b2_c9", "b2_c10", "b٣"]


def test_what_is_no_set_of_images_is_refused_with_the_remedy(folder: Path) -> None:
    with pytest.raises(FrameError, match="is named twice"):
        image_files([folder, folder / "s1.tif"])
    (folder / "empty").mkdir()
    with pytest.raises(FrameError, match="holds no image"):
        image_files([folder / "empty"])
    zarr = folder / "a.zarr"
    zarr.mkdir()
    (zarr / ".zattrs").write_text("{}")
    with pytest.raises(FrameError, match="is OME-Zarr without an image; name the folder"):
        image_files([zarr])


def test_more_than_the_memory_holds_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sysconf", lambda name: {"SC_PHYS_PAGES": 4, "SC_PAGE_SIZE": 50}[name])
    paths = image_files([folder]).paths
    assert len(read_collection(paths[:1], 178).frames) == 1
    with pytest.raises(FrameError, match=r"s2\.tif: with the images before it needs .* take fewer at once"):
        read_collection(paths, 178)
