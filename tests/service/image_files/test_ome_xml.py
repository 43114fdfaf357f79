"""Our images in other programs: by the rules of OME, and by those of the reader of Odemis."""

import calendar
import math
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import tifffile

from config.loading import load
from drivers.recorded.tiff import read_frames
from service.image_files.images import read_fm, save_em, save_fm
from service.image_files.ome_xml import LightPath
from tests.service.image_files.test_images import FRAME, LIGHT_PATH, SCAN, TAKEN_AT

BANDED = replace(FRAME, binning=(1, 1), emission_band_nm=(500.0, 550.0))


def as_odemis_reads(path: Path) -> dict[str, Any]:
    """Read an image by the rules of Odemis 3.8.0, as observed in its TIFF reader and its viewer.

    Positions are metres and sizes micrometres whatever their unit; the magnification is the calibrated one;
    a date has no fraction and no zone; the binning is in the channel; a rotation is read only from the
    annotation with the number of the image, and only behind settings. An image with an excitation and an
    emission wavelength is fluorescence, with one of them a brightfield or a cathodoluminescence image, and
    without any an SEM image.
    """
    with tifffile.TiffFile(path) as file:
        text = file.pages.first.description
    root = ElementTree.fromstring(re.sub(r'xmlns="[^"]+"', "", text, count=1))
    image = root.find("Image")
    assert image is not None
    pixels, date = image.find("Pixels"), image.find("AcquisitionDate")
    assert pixels is not None
    assert date is not None
    channel, plane = pixels.find("Channel"), pixels.find("Plane")
    assert channel is not None
    assert plane is not None
    found: dict[str, Any] = {
        "name": image.attrib["Name"],
        "date_s": calendar.timegm(time.strptime(date.text or "", "%Y-%m-%dT%H:%M:%S")),
        "pixel_size_m": tuple(float(pixels.attrib[f"PhysicalSize{a}"]) * 1e-6 for a in "XY"),
        "position_m": tuple(float(plane.attrib[f"Position{a}"]) for a in "XY"),
        "exposure_s": float(plane.attrib.get("ExposureTime", "nan")),
    }
    settings = image.find("ObjectiveSettings")
    if settings is not None:
        (objective,) = (e for e in root.iter("Objective") if e.get("ID") == settings.attrib["ID"])
        found["magnification"] = float(objective.attrib["CalibratedMagnification"])
    half_nm = 10.0 if channel.get("ContrastMethod") == "Fluorescence" else 1.0
    has_in, has_out = "ExcitationWavelength" in channel.attrib, "EmissionWavelength" in channel.attrib
    if has_in:
        middle_nm = float(channel.attrib["ExcitationWavelength"])
        found["excitation_nm"] = (middle_nm - half_nm, middle_nm + half_nm)
    if has_out:
        found["emission_nm"] = float(channel.attrib["EmissionWavelength"])
    found["kind"] = {
        (True, True): "fluorescence",
        (True, False): "brightfield",
        (False, True): "cathodoluminescence",
        (False, False): "sem",
    }[has_in, has_out]
    detector = channel.find("DetectorSettings")
    if detector is not None:
        binning = re.match(r"(\d+)\s*x\s*(\d+)", detector.attrib["Binning"])
        assert binning is not None
        found["binning"] = tuple(int(n) for n in binning.groups())
    notes = root.find("StructuredAnnotations//MapAnnotation[@ID='Annotation:0']")
    assert notes is not None
    if notes.find(".//M[@K='ExtraSettings']") is not None:
        rotation = notes.find(".//M[@K='Rotation']")
        assert rotation is not None
        found["rotation_rad"] = float(rotation.text or "")
    return found


def test_odemis_opens_a_fluorescence_frame_as_fluorescence_in_its_place(tmp_path: Path) -> None:
    saved = save_fm(tmp_path / "F000.ome.tiff", BANDED, "S0001", "S0001/F000", LIGHT_PATH, TAKEN_AT)
    found = as_odemis_reads(saved.path)
    assert found["kind"] == "fluorescence"
    assert found["position_m"] == FRAME.pose.center_m
    assert found["pixel_size_m"] == pytest.approx(FRAME.pose.pixel_size_m, rel=1e-12)
    assert (found["excitation_nm"], found["emission_nm"]) == ((478.0, 498.0), 525.0)
    assert (found["magnification"], found["binning"], found["exposure_s"]) == (40.0, (1, 1), 2.0)
    assert found["date_s"] == math.floor(TAKEN_AT.timestamp())
    assert found["rotation_rad"] == 0.01


def test_odemis_opens_an_electron_image_as_sem_in_its_place(tmp_path: Path) -> None:
    saved = save_em(tmp_path / "J000001.ome.tiff", SCAN, "S0001", "J000001", (), TAKEN_AT)
    found = as_odemis_reads(saved.path)
    assert found["kind"] == "sem"
    assert found["position_m"] == SCAN.center_m
    assert found["pixel_size_m"] == pytest.approx((1.65e-8, 1.65e-8), rel=1e-12)
    assert found["date_s"] == math.floor(TAKEN_AT.timestamp())
    assert "rotation_rad" not in found


def test_ome_readers_find_light_path_filter_objective_and_date(tmp_path: Path) -> None:
    # Loaded by one worker only: it takes a second.
    from ome_types import from_tiff

    saved = save_fm(tmp_path / "F000.ome.tiff", BANDED, "S0001", "S0001/F000", LIGHT_PATH, TAKEN_AT)
    with tifffile.TiffFile(saved.path) as file:
        assert file.is_ome
        assert file.series[0].axes == "YX"
    ome = from_tiff(saved.path)
    (image,), (instrument,) = ome.images, ome.instruments
    assert image.acquisition_date == TAKEN_AT.replace(microsecond=0, tzinfo=None)
    (channel,), (plane,) = image.pixels.channels, image.pixels.planes
    assert channel.excitation_wavelength == 488
    assert channel.emission_wavelength == 525
    assert channel.detector_settings is not None
    assert channel.detector_settings.binning is not None
    assert (channel.detector_settings.binning.value, channel.detector_settings.gain) == ("1x1", 100)
    assert channel.light_path is not None
    assert channel.light_path.emission_filters[0].id == instrument.filters[0].id
    band = instrument.filters[0].transmittance_range
    assert band is not None
    assert (band.cut_in, band.cut_out) == (500, 550)
    assert (instrument.objectives[0].lens_na, instrument.detectors[0].model) == (0.95, "iXon")
    assert plane.position_x_unit.value == "m"
    assert plane.position_x == 1.25e-3


@pytest.mark.parametrize("name", ["µ-Kamera <1> & Co", "iXon"])
def test_what_is_not_known_is_not_written(tmp_path: Path, name: str) -> None:
    # Loaded by one worker only: it takes a second.
    from ome_types import from_tiff

    path = replace(LIGHT_PATH, camera=name)
    saved = save_fm(tmp_path / "F000.ome.tiff", FRAME, "S0001", "S0001/F000", path, TAKEN_AT)
    ome = from_tiff(saved.path)
    assert ome.instruments[0].detectors[0].model == name
    assert not ome.instruments[0].filters
    settings = ome.images[0].pixels.channels[0].detector_settings
    assert settings is not None
    assert settings.binning is None


def test_a_frame_whose_filter_passes_something_else_says_what_it_passes(tmp_path: Path) -> None:
    frame = replace(BANDED, emission_band_nm=(600.0, 640.0))
    saved = save_fm(tmp_path / "F000.ome.tiff", frame, "S0001", "S0001/F000", LIGHT_PATH, TAKEN_AT)
    assert as_odemis_reads(saved.path)["emission_nm"] == 620


def test_our_own_reader_takes_the_same_place_and_settings_back(tmp_path: Path) -> None:
    saved = save_fm(tmp_path / "F000.ome.tiff", BANDED, "S0001", "S0001/F000", LIGHT_PATH, TAKEN_AT)
    _, pose, offset_adu = read_fm(saved.path, saved.sha256)
    assert pose.center_m == FRAME.pose.center_m
    assert pose.rotation_rad == FRAME.pose.rotation_rad
    assert offset_adu == 200
    (frame,) = read_frames(saved.path)
    assert (frame.exposure_s, frame.section) == (2.0, "S0001")


def test_the_light_path_is_that_of_the_configuration() -> None:
    path = LightPath.of(load("quanta250-secom"))
    assert path == LightPath(40.0, 0.95, "Andor iXon 897 Ultra", 515.0)
