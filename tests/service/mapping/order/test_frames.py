"""Frames of the sections of a list, for `sections order --frames`."""

import math
from pathlib import Path

import numpy as np
import pytest
import tifffile

from service.errors import InputError
from service.mapping.lists.files import read_list, write_list
from service.mapping.order.frames import read_section_frames
from service.mapping.values import MappedSection, SectionList, Unit
from tests.service.saying import Said

SIDE_PX = 96


def _list(*ids: str, rotation_deg: float | None = 0.0) -> SectionList:
    sections = tuple(
        MappedSection(one, (400.0 * n, 0.0), None if rotation_deg is None else rotation_deg + 10 * n)
        for n, one in enumerate(ids)
    )
    return SectionList(Unit.UM, sections)


def _write(folder: Path, name: str, depth: float) -> None:
    """Write a frame that changes with its depth: discs that grow and shrink."""
    rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX]
    image = np.full((SIDE_PX, SIDE_PX), 100, np.uint16)
    for x, y, z in ((20, 30, 0), (60, 25, 1), (40, 70, 2), (75, 70, 3)):
        radius = 14 - 5 * abs(z - depth)
        image[(columns - x) ** 2 + (rows - y) ** 2 < max(radius, 0) ** 2] = 900
    folder.mkdir(exist_ok=True)
    metadata = {"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    tifffile.imwrite(folder / f"{name}.ome.tiff", image, metadata=metadata)


def test_each_section_has_its_frame_and_the_angle_of_the_list(tmp_path: Path) -> None:
    for name, depth in (("S0002", 1.0), ("S0001", 0.0), ("S0009", 2.0)):
        _write(tmp_path / "frames", name, depth)
    one, two = read_section_frames(tmp_path / "frames", _list("S0002", "S0001"))
    assert (one.section, two.section) == ("S0002", "S0001")
    assert one.pixel_size_um == pytest.approx(0.5)
    assert one.pixels.shape == (SIDE_PX, SIDE_PX)
    assert two.section_angle_rad == pytest.approx(math.radians(10))
    assert int(two.pixels[30, 20]) == 900
    assert int(two.pixels[70, 40]) == int(one.pixels[70, 75])


def test_a_section_without_frame_or_angle_is_named(tmp_path: Path) -> None:
    _write(tmp_path / "frames", "S0001", 0.0)
    with pytest.raises(InputError, match="has no frame of section S0002"):
        read_section_frames(tmp_path / "frames", _list("S0001", "S0002"))
    with pytest.raises(InputError, match="the angle of section S0001 is unknown"):
        read_section_frames(tmp_path / "frames", _list("S0001", rotation_deg=None))


def test_the_command_orders_by_frames(say: Said, tmp_path: Path) -> None:
    names = ("S0003", "S0001", "S0002")
    for name in names:
        _write(tmp_path / "frames", name, float(name[-1]) - 1)
    source = tmp_path / "a.yaml"
    upright = tuple(MappedSection(one.id, one.center, 0.0) for one in _list(*names).sections)
    write_list(source, SectionList(Unit.UM, upright))
    out = tmp_path / "b.yaml"
    frames = str(tmp_path / "frames")
    status, found, _ = say("sections", "order", str(source), str(out), "--frames", frames, "--json")
    assert status == 0
    assert found["order"] in (sorted(names), sorted(names, reverse=True))
    assert [one.id for one in read_list(out).sections] == found["order"]
    assert {link["kind"] for link in found["links"]} == {"similar"}
