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
from hypothesis import given
from hypothesis.strategies import characters, floats, text

from config.loading import load
from drivers.recorded.tiff import read_frames
from service.image_files.facts import Acquisition, ImageFacts, LightChannel, LightPath, Provenance
from service.image_files.images import read_fm
from service.image_files.ome_xml import ome_xml
from service.image_files.saving import save_fm
from tests.service.image_files.samples import (
    BANDED,
    FRAME,
    HOSTILE,
    IN_VAPOUR,
    LIGHT_PATH,
    LONG,
    SCAN,
    TAKEN_AT,
    Sample,
)


def as_odemis_reads(path: Path) -> dict[str, Any]:
    """Read an image by the rules of Odemis 3.8.0, as observed in its TIFF reader and its viewer.

    Positions are metres and sizes micrometres whatever their unit; the magnification is the calibrated one;
    a date has no fraction and no zone; the binning is in the channel; a rotation is read only from the
    annotation with the number of the image, and only behind settings. An image with an excitation and an
    emission wavelength is fluorescence, with one of them a brightfield or a cathodoluminescence image, and
    without any an SEM image. The exposure time of a scan is its dwell time, the voltage that of the beam.
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
        found["magnification"] = float(objective.attrib.get("CalibratedMagnification", "nan"))
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
        if "Binning" in detector.attrib:
            # Odemis gives up on all of the XML where this does not match.
            binning = re.match(r"(\d+)\s*x\s*(\d+)", detector.attrib["Binning"])
            assert binning is not None
            found["binning"] = tuple(int(n) for n in binning.groups())
        if "Voltage" in detector.attrib:
            found["voltage_v"] = float(detector.attrib["Voltage"])
    light = channel.find("LightSourceSettings")
    if light is not None:
        # So it does here; earlier versions than 3.8 knew no LED either.
        assert any(e.get("ID") == light.attrib["ID"] for e in root.iter("LightEmittingDiode"))
    notes = root.find("StructuredAnnotations//MapAnnotation[@ID='Annotation:0']")
    assert notes is not None
    if notes.find(".//M[@K='ExtraSettings']") is not None:
        rotation = notes.find(".//M[@K='Rotation']")
        assert rotation is not None
        found["rotation_rad"] = float(rotation.text or "")
    return found


def test_odemis_opens_a_fluorescence_frame_as_fluorescence_in_its_place(samples: dict[str, Sample]) -> None:
    found = as_odemis_reads(samples["banded"].path)
    assert found["kind"] == "fluorescence"
    assert found["position_m"] == FRAME.pose.center_m
    assert found["pixel_size_m"] == pytest.approx(FRAME.pose.pixel_size_m, rel=1e-12)
    assert (found["excitation_nm"], found["emission_nm"]) == ((478.0, 498.0), 525.0)
    assert (found["magnification"], found["binning"], found["exposure_s"]) == (40.0, (1, 1), 2.0)
    assert found["date_s"] == math.floor(TAKEN_AT.timestamp())
    assert found["rotation_rad"] == 0.01


def test_odemis_opens_an_electron_image_as_sem_in_its_place(samples: dict[str, Sample]) -> None:
    found = as_odemis_reads(samples["electron"].path)
    assert found["kind"] == "sem"
    assert found["position_m"] == SCAN.center_m
    assert found["pixel_size_m"] == pytest.approx((1.65e-8, 1.65e-8), rel=1e-12)
    assert (found["exposure_s"], found["voltage_v"]) == (6e-5, 2500.0)
    assert found["date_s"] == math.floor(TAKEN_AT.timestamp())
    assert "rotation_rad" not in found


def test_odemis_opens_pictures_of_the_holder_as_brightfield(samples: dict[str, Sample]) -> None:
    for name in ("tile", "overview"):
        assert as_odemis_reads(samples[name].path)["kind"] == "brightfield"


def test_odemis_reads_all_files(samples: dict[str, Sample]) -> None:
    for sample in samples.values():
        found = as_odemis_reads(sample.path)
        assert found["position_m"] == sample.center_m
    assert "binning" not in as_odemis_reads(samples["binned"].path)


def test_ome_readers_find_instrument_channel_and_place(samples: dict[str, Sample]) -> None:
    # Loaded by one worker only: it takes a second.
    from ome_types import from_tiff

    ome = from_tiff(samples["banded"].path)
    (image,), (instrument,) = ome.images, ome.instruments
    assert image.acquisition_date == TAKEN_AT.replace(microsecond=0, tzinfo=None)
    (channel,), (plane,) = image.pixels.channels, image.pixels.planes
    assert (channel.excitation_wavelength, channel.emission_wavelength) == (488, 525)
    how = channel.acquisition_mode, channel.illumination_type, channel.contrast_method
    assert [one and one.value for one in how] == ["WideField", "Epifluorescence", "Fluorescence"]
    assert channel.detector_settings is not None
    assert channel.detector_settings.binning is not None
    assert (channel.detector_settings.binning.value, channel.detector_settings.gain) == ("1x1", 100)
    assert channel.light_path is not None
    assert channel.light_path.emission_filters[0].id == instrument.filters[0].id
    band = instrument.filters[0].transmittance_range
    assert band is not None
    assert (band.cut_in, band.cut_out) == (500, 550)
    assert (instrument.objectives[0].lens_na, instrument.detectors[0].model) == (0.95, "iXon")
    (light,) = instrument.generic_excitation_sources
    assert light.map is not None
    assert dict(light.map) == {"wavelength_nm": "488.0", "power_density_w_per_cm2": "0.5"}
    assert instrument.microscope is not None
    assert instrument.microscope.model == "quanta250-secom (Odemis)"
    assert image.imaging_environment is not None
    assert image.imaging_environment.air_pressure == 200
    assert image.stage_label is not None
    assert (image.stage_label.name, image.stage_label.x) == ("S0001", 1.25e-3)
    assert (plane.position_x_unit.value, plane.position_x) == ("m", 1.25e-3)


def test_ome_readers_find_the_beam(samples: dict[str, Sample]) -> None:
    # Loaded by one worker only: it takes a second.
    from ome_types import from_tiff

    ome = from_tiff(samples["electron"].path)
    (image,), (instrument,) = ome.images, ome.instruments
    assert (instrument.detectors[0].model, instrument.objectives[0].working_distance) == ("vCD", 5800)
    (channel,), (plane,) = image.pixels.channels, image.pixels.planes
    assert channel.detector_settings is not None
    assert (channel.detector_settings.voltage, plane.exposure_time) == (2500, 6e-5)
    assert image.pixels.physical_size_x == 0.0165
    assert image.imaging_environment is not None
    assert image.imaging_environment.air_pressure == 1.2e-3
    assert ome.structured_annotations is not None
    notes = dict(ome.structured_annotations.map_annotations[0].value)
    assert notes["ilemtrack.taken_at"] == "2026-11-29T10:20:30.400+00:00"
    assert notes["ilemtrack.covers"] == "c1 c2"
    assert (notes["ilemtrack.dwell_s"], notes["ilemtrack.spot_size"]) == ("6e-05", "3.5")
    assert (notes["ilemtrack.probe_current_a"], notes["ilemtrack.aperture_m"]) == ("1e-10", "3e-05")
    assert (notes["ilemtrack.program"], notes["ilemtrack.run_kind"]) == ("0.1.0", "run")
    assert notes["ilemtrack.as_configured"] == "aperture_m detector"


def test_ome_readers_accept_every_file(samples: dict[str, Sample]) -> None:
    # Loaded by one worker only: it takes a second.
    from ome_types import from_tiff

    for sample in samples.values():
        assert from_tiff(sample.path, validate=False).images[0].pixels.size_x == sample.pixels.shape[1]


def test_names_that_nobody_should_give_are_kept_as_far_as_xml_can(samples: dict[str, Sample]) -> None:
    kept = 'µ-Kamera <1> & "Co" ]]> \ufffd\ufffd\ufffd\ufffd\ufffd   細胞 \U0001f52c &#181; &lt;'
    assert len(kept) == len(HOSTILE)

    def detector_of(name: str) -> str:
        with tifffile.TiffFile(samples[name].path) as file:
            root = ElementTree.fromstring(file.pages.first.description)
        (detector,) = root.iterfind(".//{*}Detector")
        return detector.attrib["Model"]

    assert detector_of("hostile frame") == kept
    assert detector_of("hostile electron") == LONG + kept


@given(name=text(characters(exclude_categories=())), nm=floats(300, 1100), metres=floats(-1, 1))
def test_whatever_the_name_bio_formats_gets_no_reference_and_readers_the_numbers(
    name: str, nm: float, metres: float
) -> None:
    acquisition = Acquisition(TAKEN_AT, Provenance(name, name, name, name), abs(metres))
    channel = LightChannel(replace(LIGHT_PATH, camera=name), nm, band_nm=(nm, nm + 50))
    facts = ImageFacts(
        name,
        name,
        (3, 2),
        "uint8",
        (nm * 1e-9,) * 2,
        (metres, -metres),
        metres,
        acquisition,
        channel,
        {"a": name},
    )
    xml = ome_xml(facts)
    root = ElementTree.fromstring(xml)
    assert b"&#" not in xml
    (plane,), (pixels,) = root.iterfind(".//{*}Plane"), root.iterfind(".//{*}Pixels")
    assert (float(plane.attrib["PositionX"]), float(plane.attrib["PositionY"])) == (metres, -metres)
    assert float(pixels.attrib["PhysicalSizeX"]) == pytest.approx(nm * 1e-3, rel=1e-11)
    assert "e" not in pixels.attrib["PhysicalSizeX"]


def test_what_is_not_known_is_not_written(samples: dict[str, Sample]) -> None:
    with tifffile.TiffFile(samples["hostile electron"].path) as file:
        root = ElementTree.fromstring(file.pages.first.description)
    keys = {one.attrib["K"] for one in root.iterfind(".//{*}M")}
    assert not keys & {"ilemtrack.run", "ilemtrack.run_kind", "ilemtrack.pressure_pa"}
    assert root.find(".//{*}ImagingEnvironment") is None
    with tifffile.TiffFile(samples["frame"].path) as file:
        root = ElementTree.fromstring(file.pages.first.description)
    assert root.find(".//{*}Filter") is None
    settings = root.find(".//{*}DetectorSettings")
    assert settings is not None
    assert "Binning" not in settings.attrib
    with tifffile.TiffFile(samples["binned"].path) as file:
        band = ElementTree.fromstring(file.pages.first.description).find(".//{*}TransmittanceRange")
    assert band is not None
    assert set(band.attrib) == {"CutOut", "CutOutUnit"}


def test_a_frame_whose_filter_passes_something_else_says_what_it_passes(tmp_path: Path) -> None:
    frame = replace(BANDED, emission_band_nm=(600.0, 640.0))
    saved = save_fm(tmp_path / "F000.ome.tiff", frame, "S0001", "S0001/F000", LIGHT_PATH, IN_VAPOUR)
    assert as_odemis_reads(saved.path)["emission_nm"] == 620


def test_our_own_reader_takes_the_same_place_and_settings_back(samples: dict[str, Sample]) -> None:
    path, sha256 = samples["banded"].path, samples["banded"].saved.sha256
    _, pose, offset_adu = read_fm(path, sha256)
    assert pose.center_m == FRAME.pose.center_m
    assert pose.rotation_rad == FRAME.pose.rotation_rad
    assert offset_adu == 200
    (frame,) = read_frames(path)
    assert (frame.exposure_s, frame.section) == (2.0, "S0001")


def test_the_light_path_is_that_of_the_configuration() -> None:
    config = load("quanta250-secom")
    assert LightPath.of(config) == LightPath(40.0, 0.95, "Andor iXon 897 Ultra", 515.0)
    assert LightPath.of_holder(config) == LightPath(40.0, 0.95, "Andor iXon 897 Ultra", 594.0, "reflected")
