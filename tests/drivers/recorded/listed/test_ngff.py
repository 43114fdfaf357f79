"""OME-Zarr as others write it, and as damaged as it comes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import zarr
from numpy.typing import NDArray

from drivers.errors import FrameError
from drivers.recorded.collection import image_files, read_collection
from drivers.recorded.listed.frames import list_frames, read_listed
from tests.drivers.recorded.writers import PIXELS

Change = Callable[[dict[str, Any]], object]


def write_ngff(
    folder: Path,
    pixels: NDArray[Any],
    version: str = "0.5",
    axes: str = "yx",
    unit: str | None = "micrometer",
    place: tuple[float, float] | None = None,
    channels: tuple[str, ...] = (),
    change: Change = lambda _: None,
) -> Path:
    """Write an image of .178 um per pixel, with its corner pixel at a place (x, y)."""
    space = {"type": "space"} | ({} if unit is None else {"unit": unit})
    kinds = {"t": {"type": "time"}, "c": {"type": "channel"}}
    steps: list[dict[str, Any]] = [{"type": "scale", "scale": [1.0] * (len(axes) - 2) + [0.178, 0.178]}]
    if place is not None:
        steps.append({"type": "translation", "translation": [0.0] * (len(axes) - 2) + [place[1], place[0]]})
    metadata: dict[str, Any] = {
        "multiscales": [
            {
                "version": version,
                "axes": [{"name": one} | kinds.get(one, space) for one in axes],
                "datasets": [{"path": "0", "coordinateTransformations": steps}],
            }
        ]
    }
    if channels:
        metadata["omero"] = {"channels": [{"label": one} for one in channels]}
    change(metadata)
    form: Literal[2, 3] = 2 if version == "0.4" else 3
    group = zarr.open_group(folder, mode="w", zarr_format=form)
    group.attrs.update(metadata if form == 2 else {"ome": {"version": version, **metadata}})
    group.create_array("0", data=pixels, chunks=(1,) * (pixels.ndim - 2) + (16, 16))
    return folder


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_an_image_of_either_version_is_read_with_its_size_and_place(tmp_path: Path, version: str) -> None:
    folder = write_ngff(tmp_path / "a.zarr", PIXELS, version, place=(100.0, 50.0))
    (one,) = list_frames(folder)
    assert (one.shape, one.kind) == (PIXELS.shape, "uint16")
    frame = read_listed(one)
    assert np.array_equal(frame.pixels, PIXELS)
    assert frame.pixel_size_m == pytest.approx((178e-9, 178e-9))
    rows, columns = PIXELS.shape
    # Of the centre, and y upwards on the stage.
    place = (100.0 + (columns - 1) / 2 * 0.178) * 1e-6, -(50.0 + (rows - 1) / 2 * 0.178) * 1e-6
    assert frame.center_m == pytest.approx(place)


def test_planes_of_a_channel_are_frames_in_their_order(tmp_path: Path) -> None:
    stack = np.arange(2 * 3 * 20 * 16, dtype=np.uint16).reshape(2, 3, 20, 16)
    folder = write_ngff(tmp_path / "a.zarr", stack, axes="czyx", channels=("DAPI", "GFP"), place=(1, 1))
    with pytest.raises(FrameError, match=r"has 2 channels \(DAPI, GFP\); choose the one with the cells"):
        list_frames(folder)
    frames = read_collection([folder], channel="gfp").frames
    assert [(one.page, one.z, one.channel, one.center_m) for one in frames] == [
        (n, n, "GFP", None) for n in range(3)
    ]
    assert all(np.array_equal(one.pixels, stack[1, n]) for n, one in enumerate(frames))
    assert len(read_collection([folder], channel="1").frames) == 3


def test_a_folder_holds_images_and_collections(tmp_path: Path) -> None:
    write_ngff(tmp_path / "b10.zarr", PIXELS)
    whole = tmp_path / "b2.zarr"
    zarr.open_group(whole, mode="w").attrs.update({"ome": {"bioformats2raw.layout": 3}})
    for name in ("0", "1"):
        write_ngff(whole / name, PIXELS)
    assert image_files([tmp_path]).paths == (whole / "0", whole / "1", tmp_path / "b10.zarr")
    zarr.open_group(whole / "OME", mode="w").attrs.update({"ome": {"series": ["1", "0"]}})
    assert image_files([whole]).paths == (whole / "1", whole / "0")
    zarr.open_group(whole / "OME", mode="w").attrs.update({"ome": {"series": ["../b10.zarr"]}})
    with pytest.raises(FrameError, match="lists images outside of itself"):
        image_files([whole])


def _set(*keys: Any, value: Any) -> Change:
    def change(metadata: dict[str, Any]) -> None:
        at: Any = metadata["multiscales"][0]
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_set("axes", 0, "name", value="q"), "has the axes q, x; images with y and x last"),
        (_set("axes", 1, "unit", value="parsec"), "give no unit of length for it; give the pixel size"),
        (_set("datasets", 0, "coordinateTransformations", value=[]), "state no scale; give the pixel size"),
        (_set("datasets", 0, "path", value="../b.zarr/0"), "names an array outside of itself"),
        (_set("datasets", value=[]), "cannot be read, it is probably damaged"),
        (_set("datasets", 0, "path", value="nowhere"), "cannot be read, it is probably damaged"),
        (_set("datasets", 0, "coordinateTransformations", 0, "scale", value=[0.9, 1.0]), "must be square"),
        (
            _set("datasets", 0, "coordinateTransformations", 0, value={"type": "affine", "affine": [1.0]}),
            "place the image by affine of a form that is not read",
        ),
        (lambda metadata: metadata.update({"image-label": {}}), "holds labels, not an image"),
        (lambda metadata: metadata.update({"plate": {}, "multiscales": [{}]}), "probably damaged"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, change: Change, sentence: str) -> None:
    folder = write_ngff(tmp_path / "a.zarr", PIXELS, change=change)
    with pytest.raises(FrameError, match=sentence) as caught:
        read_collection(image_files([folder]).paths)
    assert "\n" not in str(caught.value)


def test_damaged_and_foreign_folders_are_one_sentence(tmp_path: Path) -> None:
    folder = write_ngff(tmp_path / "a.zarr", PIXELS)
    (chunk,) = [one for one in (folder / "0" / "c").rglob("*") if one.is_file()][:1]
    chunk.write_bytes(b"no chunk")
    with pytest.raises(FrameError, match="probably damaged"):
        read_listed(list_frames(folder)[0])
    (folder / "zarr.json").write_text("{")
    with pytest.raises(FrameError, match="is no JSON"):
        list_frames(folder)
    (folder / "zarr.json").write_text(json.dumps({"attributes": {"ome": {"plate": {}}}}))
    with pytest.raises(FrameError, match="probably damaged"):
        image_files([folder])


def test_a_plate_is_its_fields_well_by_well(tmp_path: Path) -> None:
    plate, wells = tmp_path / "plate.zarr", ("B/2", "A/1")
    group = zarr.open_group(plate, mode="w", zarr_format=2)
    group.attrs["plate"] = {"wells": [{"path": one} for one in wells]}
    for well in wells:
        about: dict[str, Any] = {"well": {"images": [{"path": "0"}, {"path": "1"}], "version": "0.4"}}
        zarr.open_group(plate / well, mode="w", zarr_format=2).attrs.update(about)
        for number in range(2):
            write_ngff(plate / well / str(number), PIXELS, "0.4")
    fields = ["B/2/0", "B/2/1", "A/1/0", "A/1/1"]
    assert list(image_files([plate]).paths) == [plate / one for one in fields]
    assert list(image_files([plate / "A/1"]).paths) == [plate / one for one in fields[2:]]
    group.attrs["plate"] = {"wells": [{"path": "../other"}]}
    with pytest.raises(FrameError, match="outside of itself"):
        image_files([plate])


def test_a_huge_plane_is_refused_before_it_is_read(tmp_path: Path) -> None:
    folder = write_ngff(tmp_path / "a.zarr", PIXELS)
    about = json.loads((folder / "0" / "zarr.json").read_text())
    about["shape"] = [30_000, 30_000]
    (folder / "0" / "zarr.json").write_text(json.dumps(about))
    with pytest.raises(FrameError, match="has planes of more than 512 MiB"):
        list_frames(folder)
