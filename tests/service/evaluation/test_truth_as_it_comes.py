"""Truth as Fiji and file systems make it: names, places in a stack, masks, zips, edges."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import roifile
import tifffile
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from service.errors import InputError
from service.evaluation.documents import read_judged, read_readers
from service.evaluation.fiji_rois import read_marks
from service.evaluation.pairing import paired
from service.evaluation.roi_marks import ImagePage, by_page
from service.evaluation.truth import read_truth
from service.export.ome_zarr.images import write_label_image
from tests.examples import examples

SHAPE = (64, 64)


def roi(name: str, box: tuple[int, int, int, int] = (10, 10, 20, 20), **places: int) -> roifile.ImagejRoi:
    made = roifile.ImagejRoi()
    made.roitype, made.name = roifile.ROI_TYPE.RECT, name
    made.left, made.top, made.right, made.bottom = box
    for key, value in places.items():
        setattr(made, key, value)
    return made


def write_zip(path: Path, *rois: roifile.ImagejRoi, **others: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for one in rois:
            archive.writestr(f"{one.name}.roi", one.tobytes())
        for name, content in others.items():
            archive.writestr(name, content)
    return path


def names(truth: Path, pages: list[ImagePage]) -> list[list[str]]:
    return [[cell.id for cell in cells or ()] for cells in paired(read_truth(truth), pages).cells]


def page(number: int = 0, image: str = "a.tif", **at: Any) -> ImagePage:
    return ImagePage(Path(image), number, SHAPE, **at)


# Names


def test_a_dot_in_a_name_belongs_to_it(tmp_path: Path) -> None:
    for stem in ("exp_1.5h_a", "exp_1.5h_b", "exp_1"):
        write_zip(tmp_path / f"{stem}.zip", roi(stem))
    images = ["exp_1.5h_a.ome.tif", "exp_1.5h_b.TIFF", "exp_1.btf"]
    assert names(tmp_path, [page(image=image) for image in images]) == [
        ["exp_1.5h_a"],
        ["exp_1.5h_b"],
        ["exp_1"],
    ]


@pytest.mark.parametrize("name", ["a.ome.tif.zip", "a.tiff.zip", "a.ome.zip", "a.roi"])
def test_a_truth_named_after_the_file_is_found(tmp_path: Path, name: str) -> None:
    if name.endswith(".zip"):
        write_zip(tmp_path / name, roi("r"))
    else:
        (tmp_path / name).write_bytes(roi("r").tobytes())
    assert names(tmp_path / name, [page(image="a.ome.tif"), page(image="b.tif")]) == [["r"], []]


def test_names_in_json_lose_the_same_suffixes(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"frames": {"exp_1.5h.ome.tif": [[1, 1, 9, 9]], "exp_1": []}}))
    assert [len(n) for n in names(path, [page(image="exp_1.5h.tif"), page(image="exp_1.tif")])] == [1, 0]


def test_one_truth_is_not_compared_with_two_images(tmp_path: Path) -> None:
    truth = read_truth(write_zip(tmp_path / "s1.zip", roi("r")))
    for other in ("s1_treated.tif", "b/s1.tif"):
        with pytest.raises(InputError, match=r"s1\.tif and .* would both be compared with its s1"):
            paired(truth, [page(image="s1.tif"), page(image=other)])


# Places in a stack


def test_rois_of_a_hyperstack_land_on_their_page(tmp_path: Path) -> None:
    """As Fiji stores them: slice and time point, and no position."""
    marks = [roi(f"z{z}t{t}", z_position=z, t_position=t) for z in (1, 2, 3) for t in (1, 2)]
    path = write_zip(tmp_path / "a.zip", *marks)
    pages = [page(n, z=z, t=t) for n, (t, z) in enumerate((t, z) for t in (0, 1) for z in (0, 1, 2))]
    assert names(path, pages) == [["z1t1"], ["z2t1"], ["z3t1"], ["z1t2"], ["z2t2"], ["z3t2"]]
    with pytest.raises(InputError, match=r"name slices and time points, which a\.tif does not"):
        names(path, [page(n) for n in range(6)])


@pytest.mark.parametrize("axis", ["z_position", "t_position"])
def test_rois_of_slices_or_of_time_points_alone_need_no_metadata(tmp_path: Path, axis: str) -> None:
    other = "t_position" if axis == "z_position" else "z_position"
    marks = [roi(f"r{n}", (10, 10, 20, 20), **{axis: n, other: 1}) for n in (1, 2, 3)]
    path = write_zip(tmp_path / "a.zip", *marks)
    assert names(path, [page(n) for n in range(3)]) == [["r1"], ["r2"], ["r3"]]


def test_a_roi_on_all_time_points_is_on_each(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", roi("r", z_position=2))
    pages = [page(n, z=n % 2, t=n // 2) for n in range(4)]
    assert names(path, pages) == [[], ["r"], [], ["r"]]


def test_a_roi_without_a_slice_is_refused_on_a_stack(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", roi("r"))
    assert names(path, [page()]) == [["r"]]
    with pytest.raises(InputError, match=r"r names no slice, and a\.tif has 2"):
        names(path, [page(0), page(1)])


def test_detections_on_a_hyperstack_are_judged_on_the_right_page(tmp_path: Path) -> None:
    """The whole way: recall was 0."""
    box = [10, 10, 20, 20]
    cells = [{"id": "c", "box_px": box, "image_box_px": box, "confidence": 1}]
    frames = [
        {"path": "a.tif", "page": n, "z": n % 3, "t": n // 3, "shape": [64, 64], "pixel_size_um": 0.2}
        | {"cells": cells if n == 4 else []}
        for n in range(6)
    ]
    found = tmp_path / "found.json"
    found.write_text(json.dumps({"v": 1, "frames": frames}))
    truth = read_truth(write_zip(tmp_path / "a.zip", roi("r", z_position=2, t_position=2)))
    judged, left_out = read_judged(found, truth)
    assert [len(one.counted) for one in judged] == [0, 0, 0, 0, 1, 0]
    assert left_out == 0
    truth = read_truth(write_zip(tmp_path / "a.zip", roi("r", z_position=9, t_position=2)))
    assert read_judged(found, truth)[1] == 1


# Masks


@pytest.mark.parametrize(
    ("value", "dtype"), [(255, np.uint8), (1, np.uint8), (65535, np.uint16), (1, np.bool_)]
)
def test_each_piece_of_a_mask_is_a_cell_and_people_are_told(tmp_path: Path, value: int, dtype: Any) -> None:
    mask = np.zeros((2, *SHAPE), dtype=dtype)
    mask[0, 5:10, 5:10] = mask[0, 30:40, 30:35] = mask[1, 0:4, 60:64] = value
    tifffile.imwrite(tmp_path / "a.tif", mask, photometric="minisblack")
    truth = read_truth(tmp_path / "a.tif")
    first, second = paired(truth, [page(0), page(1)]).cells
    assert [cell.box for cell in first or ()] == [BoxPx(5, 5, 10, 10), BoxPx(30, 30, 35, 40)]
    assert [cell.box for cell in second or ()] == [BoxPx(60, 0, 64, 4)]
    assert "read as a mask, and each of its 3 pieces as a cell" in truth.notices[0]


def test_a_label_image_with_two_values_is_no_mask(tmp_path: Path) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[5:10, 5:10] = labels[30:40, 30:35] = 1
    labels[50, 50] = 2
    tifffile.imwrite(tmp_path / "a.tif", labels, photometric="minisblack")
    truth = read_truth(tmp_path / "a.tif")
    assert len(paired(truth, [page()]).cells[0] or ()) == 2
    assert truth.notices == ()


def test_labels_of_another_size_are_of_another_image(tmp_path: Path) -> None:
    labels = np.zeros((100, 100), np.uint8)
    labels[5:10, 5:10] = 1
    tifffile.imwrite(tmp_path / "a.tif", labels, photometric="minisblack")
    with pytest.raises(InputError, match=r"are 100 x 100 pixels, the frame 64 x 64; the truth is of another"):
        names(tmp_path / "a.tif", [page()])


# Zips


def test_what_else_a_zip_holds_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("marks")
        archive.writestr("marks/cell.roi", roi("cell").tobytes())
        archive.writestr("__MACOSX/marks/._cell.roi", b"\0\5\x16\7 resource fork")
        archive.writestr(".DS_Store", b"x")
        archive.writestr("Results.csv", b"area,mean\n1,2\n")
    assert [cell.id for cell in by_page(read_marks(path))[0]] == ["cell"]


def test_a_zip_without_rois_says_so_and_an_empty_one_is_no_cells(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", **{"Results.csv": b"x"})
    with pytest.raises(InputError, match="holds no ROI; save the marks with More > Save"):
        read_truth(tmp_path / "a.zip")
    assert names(write_zip(tmp_path / "b.zip"), [page(image="b.tif")]) == [[]]


def test_a_zip_bomb_and_a_giant_roi_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.roi", bytes(40_000_000))
    with pytest.raises(InputError, match="claims more bytes than ROIs of cells need"):
        read_truth(tmp_path / "a.zip")
    write_zip(tmp_path / "b.zip", roi("huge", (0, 0, 30_000, 30_000)))
    with pytest.raises(InputError, match="huge is 30000 x 30000 pixels, which is no cell"):
        read_truth(tmp_path / "b.zip")


# Edges


@pytest.mark.parametrize(
    ("box", "cut"),
    [
        ((-5, 10, 5, 20), (0, 10, 5, 20)),
        ((10, -5, 20, 5), (10, 0, 20, 5)),
        ((60, 10, 70, 20), (60, 10, 64, 20)),
        ((10, 60, 20, 70), (10, 60, 20, 64)),
    ],
)
def test_a_roi_over_any_edge_is_cut(tmp_path: Path, box: Any, cut: Any) -> None:
    truth = read_truth(write_zip(tmp_path / "a.zip", roi("r", box)))
    (cells,) = paired(truth, [page()]).cells
    assert cells is not None
    (cell,) = cells
    assert cell.box == BoxPx(*cut)
    assert cell.area_px == cell.box.area_px


def test_a_cell_outside_of_the_frame_is_of_another_image(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="lies outside of the frame of 64 x 64 pixels; the truth is of another"
    ):
        names(write_zip(tmp_path / "a.zip", roi("r", (64, 0, 70, 9))), [page()])


def test_a_mask_cut_to_nothing_is_no_cell() -> None:
    corner = np.zeros((4, 4), np.bool_)
    corner[3, 3] = True
    truth = read_truth_of(TrueCell("c", BoxPx(62, 62, 66, 66), corner))
    assert paired(truth, [page()]).cells == ((),)


def read_truth_of(cell: TrueCell) -> Any:
    from service.evaluation.truth import Truth

    return Truth({("a", 0): (cell,)}, Path("t.json"))


def test_readers_of_a_hyperstack_are_compared_slice_by_slice(tmp_path: Path) -> None:
    box = (10, 10, 20, 20)
    anna = write_zip(tmp_path / "anna.zip", roi("a", box, z_position=1, t_position=2))
    ben = write_zip(
        tmp_path / "ben.zip",
        roi("b", box, z_position=1, t_position=2),
        roi("c", box, z_position=3, t_position=1),
    )
    cells = [{"id": "c", "box_px": [*box], "image_box_px": [*box], "confidence": 1}]
    frames = [
        {"path": "a.tif", "page": n, "z": n // 2, "t": n % 2, "shape": [64, 64], "pixel_size_um": 0.2}
        | {"cells": cells if (n // 2, n % 2) == (0, 1) else []}
        for n in range(6)
    ]
    (tmp_path / "found.json").write_text(json.dumps({"frames": frames}))
    (first, second), found = read_readers([anna, ben], tmp_path / "found.json")
    assert set(first) == {3}
    assert set(second) == {2, 3}
    assert found is not None
    assert [page for page, boxes in found.items() if boxes] == [3]


@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 700), value=st.binary(min_size=1, max_size=6), stored=st.booleans())
def test_damaged_rois_never_give_a_traceback(tmp_path: Path, at: int, value: bytes, stored: bool) -> None:
    path = write_zip(tmp_path / "a.zip", roi("r"), roi("s")) if stored else tmp_path / "a.roi"
    data = bytearray(path.read_bytes() if stored else roi("r", position=1).tobytes())
    at %= len(data)
    data[at : at + len(value)] = value
    path.write_bytes(data)
    try:
        paired(read_truth(path), [page()])
    except InputError as error:
        assert str(error).startswith(str(path))  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017


def test_labels_of_ome_zarr_are_truth(tmp_path: Path) -> None:
    labels = np.zeros((20, 30), np.uint16)
    labels[2:8, 3:9], labels[10:15, 4:10] = 1, 2
    place = (0.178, 0.178), (0.0, 0.0)
    write_label_image(tmp_path / "a.ome.zarr", labels, "a", place, [{}, {}], {})
    found = read_truth(tmp_path / "a.ome.zarr")
    assert [cell.box.as_tuple() for cell in found.frames["a", 0]] == [(3, 2, 9, 8), (4, 10, 10, 15)]
    assert found.shapes == {("a", 0): (20, 30)}
    assert read_truth(tmp_path).frames.keys() == {("a", 0)}
    (tmp_path / "b.zarr").mkdir()
    (tmp_path / "b.zarr" / "zarr.json").write_text("{}")
    with pytest.raises(InputError, match=r"b\.zarr: is OME-Zarr without an image"):
        read_truth(tmp_path)


@pytest.mark.parametrize(
    ("name", "says"), [("plate", "several images of one name"), ("plate.zarr", "no labels")]
)
def test_images_of_a_plate_are_named_by_their_places(tmp_path: Path, name: str, says: str) -> None:
    plate = tmp_path / name
    for place, about in {
        ".": {"plate": {"wells": [{"path": "A/1"}, {"path": "A/2"}]}},
        "A/1": {"well": {"images": [{"path": "0"}]}},
        "A/2": {"well": {"images": [{"path": "0"}]}},
    }.items():
        (plate / place).mkdir(parents=True, exist_ok=True)
        document = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": about}}
        (plate / place / "zarr.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=says):
        read_truth(plate)
