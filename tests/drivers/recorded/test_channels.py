"""Channels, which are no serial sections."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from drivers.errors import FrameError
from drivers.recorded.collection import read_collection
from drivers.recorded.tiff import read_frames
from tests.drivers.recorded.writers import PIXELS, write_fiji, write_ndtiff, write_ome

NAMES = {"Channel": {"Name": ["GFP", "DAPI"]}}
SIZES = {"PhysicalSizeX": 0.178, "PhysicalSizeY": 0.178}


def values(path: Path, channel: str | None) -> list[int]:
    return [int(frame.pixels[0, 0]) for frame in read_frames(path, 178, channel)]


def stack(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    """Planes of one value each, counting up in the order of the axes."""
    count = int(np.prod(shape))
    return np.repeat(np.arange(count, dtype=np.uint16), 8 * 8).reshape(*shape, 8, 8)


def test_a_channel_of_an_ome_stack_is_chosen_by_name_or_number(tmp_path: Path) -> None:
    path = write_ome(tmp_path / "a.ome.tif", stack(3, 2), axes="ZCYX", **NAMES)
    assert values(path, "GFP") == values(path, "1") == [0, 2, 4]
    assert values(path, "dapi") == values(path, "2") == [1, 3, 5]
    frames = read_frames(path, 178, "DAPI")
    assert [(one.page, one.z, one.t, one.channel) for one in frames] == [
        (0, 0, 0, "DAPI"),
        (1, 1, 0, "DAPI"),
        (2, 2, 0, "DAPI"),
    ]
    with pytest.raises(FrameError, match=r"has no channel 'Cy5'; it has GFP, DAPI"):
        values(path, "Cy5")


@pytest.mark.parametrize("axes", ["TZCYX", "CTZYX", "TCZYX"])
def test_the_order_of_the_axes_is_followed(tmp_path: Path, axes: str) -> None:
    sizes = {"T": 2, "Z": 3, "C": 2}
    data = stack(*(sizes[axis] for axis in axes[:3]))
    path = write_ome(tmp_path / "a.ome.tif", data, axes=axes, **NAMES)
    expected = np.moveaxis(data[..., 0, 0], axes.index("C"), 0)[1]
    for frame in read_frames(path, 178, "DAPI"):
        assert frame.z is not None
        assert frame.t is not None
        at = (frame.t, frame.z)
        assert frame.pixels[0, 0] == expected[at]
    assert len(read_frames(path, 178, "DAPI")) == 6


def test_channels_of_a_fiji_hyperstack_change_fastest(tmp_path: Path) -> None:
    path = write_fiji(tmp_path / "a.tif", stack(2, 3, 2), axes="TZCYX", unit="um")
    with pytest.raises(
        FrameError, match=r"has 2 channels \(1, 2\); choose the one with the cells with --channel"
    ):
        read_frames(path)
    assert values(path, "2") == [1, 3, 5, 7, 9, 11]
    assert [(one.z, one.t) for one in read_frames(path, channel="1")] == [
        (0, 0),
        (1, 0),
        (2, 0),
        (0, 1),
        (1, 1),
        (2, 1),
    ]


def test_channels_of_micro_manager_are_no_serial_sections(tmp_path: Path) -> None:
    planes = [
        ({"z": z, "channel": name}, PIXELS + 10 * z + n)
        for z in range(3)
        for n, name in enumerate(("DAPI", "GFP"))
    ]
    path = write_ndtiff(tmp_path, planes)
    with pytest.raises(FrameError, match=r"has 2 channels \(DAPI, GFP\)"):
        read_frames(path)
    assert values(path, "GFP") == [1, 11, 21]
    assert [frame.z for frame in read_frames(path, channel="DAPI")] == [0, 1, 2]
    (tmp_path / "NDTiff.index").unlink()
    with pytest.raises(FrameError, match=r"NDTiff\.index is missing"):
        read_frames(path, 178)


def test_an_ome_file_of_one_channel_of_a_series_is_that_channel(tmp_path: Path) -> None:
    """As Micro-Manager and Bio-Formats split them."""
    names = ["a_GFP.ome.tif", "a_DAPI.ome.tif"]
    blocks = "".join(
        f'<TiffData IFD="0" FirstC="{c}" PlaneCount="1"><UUID FileName="{name}">u</UUID></TiffData>'
        for c, name in enumerate(names)
    )
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels ID="P:0"'
        ' DimensionOrder="XYCZT" Type="uint16" SizeX="40" SizeY="30" SizeZ="1" SizeC="2" SizeT="1"'
        ' PhysicalSizeX=".178" PhysicalSizeY=".178">'
        '<Channel ID="C:0" Name="GFP"/><Channel ID="C:1" Name="DAPI"/>'
        f"{blocks}</Pixels></Image></OME>"
    )
    paths = [tmp_path / name for name in names]
    for number, path in enumerate(paths):
        tifffile.imwrite(path, PIXELS + number, metadata=None, description=xml, photometric="minisblack")
    (gfp,), (dapi,) = (read_frames(path) for path in paths)
    assert (gfp.channel, gfp.pixels[0, 0], dapi.channel, dapi.pixels[0, 0]) == ("GFP", 0, "DAPI", 1)
    with pytest.raises(FrameError, match=r"the images hold 2 channels \(GFP, DAPI\)"):
        read_collection(paths)
    chosen = read_collection(paths, channel="DAPI")
    assert [frame.channel for frame in chosen.frames] == ["DAPI"]
    assert "a_GFP.ome.tif: holds other channels than DAPI" in chosen.notices[0]
    with pytest.raises(FrameError, match="holds no channel 'Cy5', and neither does any other image"):
        read_collection(paths, channel="Cy5")


def test_streams_of_a_microscope_in_images_of_their_own_are_channels(tmp_path: Path) -> None:
    """As Odemis saves fluorescence and electrons in one file."""
    path = tmp_path / "acquisition.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as file:
        for number, name in enumerate(("Filtered colour 1", "Secondary electrons")):
            metadata = {"axes": "YX", "Channel": {"Name": name}, **SIZES}
            file.write(PIXELS + number, photometric="minisblack", metadata=metadata)
    with pytest.raises(FrameError, match=r"2 channels \(Filtered colour 1, Secondary electrons\)"):
        read_frames(path)
    assert values(path, "filtered colour 1") == [0]


def test_a_file_that_claims_channels_it_does_not_hold_is_refused(tmp_path: Path) -> None:
    path = write_ome(tmp_path / "a.ome.tif", stack(2, 2), axes="ZCYX", **NAMES, **SIZES)
    with tifffile.TiffFile(path) as file:
        xml = file.ome_metadata or ""
    xml = "".join(
        part.split(">", 1)[-1] if part.startswith("TiffData") else "<" + part for part in xml.split("<")[1:]
    )
    tifffile.imwrite(path, PIXELS, metadata=None, description=xml, photometric="minisblack")
    with pytest.raises(FrameError, match="claims 4 planes of 2 channels, but it has 1 page"):
        read_frames(path)


def test_a_file_without_channels_has_number_1_and_no_name(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS, photometric="minisblack", metadata=None)
    assert values(path, "1") == [0]
    with pytest.raises(FrameError, match="names no channels, so 'GFP' cannot be chosen"):
        values(path, "GFP")


def test_different_names_in_files_of_one_channel_are_told(tmp_path: Path) -> None:
    paths = [
        write_ome(tmp_path / f"{name}.ome.tif", PIXELS, Channel={"Name": [name]}, **SIZES)
        for name in ("GFP", "DAPI")
    ]
    assert "different channels (GFP, DAPI)" in read_collection(paths).notices[0]
    assert read_collection(paths[:1]).notices == ()


def test_positions_of_a_set_of_files_are_not_mixed_up(tmp_path: Path) -> None:
    """As Micro-Manager saves them: every file has the metadata of all."""
    names = ["a_Pos0.ome.tif", "a_Pos1.ome.tif"]
    images = "".join(
        f'<Image ID="Image:{n}"><Pixels ID="P:{n}" DimensionOrder="XYCZT" Type="uint16" SizeX="40" SizeY="30"'
        ' SizeZ="1" SizeC="1" SizeT="1" PhysicalSizeX=".178" PhysicalSizeY=".178"><TiffData IFD="0"'
        f' PlaneCount="1"><UUID FileName="{name}">urn:uuid:{n}</UUID></TiffData><Plane TheC="0" TheZ="0"'
        f' TheT="0" PositionX="{n + 1}" PositionY="0" PositionXUnit="mm" PositionYUnit="mm"/>'
        "</Pixels></Image>"
        for n, name in enumerate(names)
    )
    schema = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
    for number, name in enumerate([*names, "renamed.tif", "lost.tif"]):
        xml = f'<OME xmlns="{schema}" UUID="urn:uuid:{number - 2 if number == 2 else number}">{images}</OME>'
        path = tmp_path / name
        tifffile.imwrite(path, PIXELS, metadata=None, description=xml, photometric="minisblack")
        if name == "lost.tif":
            with pytest.raises(
                FrameError, match=r"describe 2 files, such as a_Pos0\.ome\.tif, and none of this"
            ):
                read_frames(path)
            continue
        (frame,) = read_frames(path)
        assert frame.center_m == pytest.approx(((number % 2 + 1) * 1e-3, 0))


def test_a_page_that_the_metadata_with_channels_leave_out_is_of_none(tmp_path: Path) -> None:
    path = write_ome(tmp_path / "a.ome.tif", stack(2, 2), axes="ZCYX", **NAMES, **SIZES)
    with tifffile.TiffFile(path) as file:
        xml = (file.ome_metadata or "").replace('SizeZ="2"', 'SizeZ="1"')
    data = stack(4)
    tifffile.imwrite(path, data, metadata=None, description=xml, photometric="minisblack")
    with pytest.raises(FrameError, match=r"page 2 is of no channel that its metadata name \(GFP, DAPI\)"):
        read_frames(path, channel="GFP")


def test_an_undescribed_small_copy_in_an_ome_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffFile(write_ome(tmp_path / "whole.ome.tif", PIXELS, **SIZES)) as file:
        xml = file.ome_metadata or ""
    with tifffile.TiffWriter(path) as writer:
        writer.write(PIXELS, photometric="minisblack", metadata=None, description=xml)
        writer.write(PIXELS[::2, ::2], photometric="minisblack", metadata=None)
    with pytest.raises(FrameError, match=r"page 1 .* looks like a reduced copy"):
        read_frames(path, 178)
