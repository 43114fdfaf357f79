"""Frames, electron images and overviews of the holder to files, each with all that is known about it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drivers.fluorescence import FmFrame
from drivers.sem import ScanImage
from service.image_files.facts import (
    Acquisition,
    ElectronChannel,
    ImageFacts,
    ImageKind,
    LightChannel,
    LightPath,
)
from service.image_files.images import Pixels, SavedImage, save
from service.image_files.ome_xml import clean

KIND_NAME = "kind"
KIND_KEY = f"ilemtrack.{KIND_NAME}"
"""Key of the `ImageKind` among the annotations of a file."""


def save_fm(
    path: Path,
    frame: FmFrame,
    section: str,
    field: str,
    light_path: LightPath,
    acquisition: Acquisition,
    compress: bool = False,
    kind: ImageKind = ImageKind.FLUORESCENCE,
) -> SavedImage:
    """Save a frame of the camera; see `service.image_files.images.save`.

    OME has a place for position, wavelengths, filter, objective, light source, detector, binning, exposure
    time and pressure. The rest, and the exact values of the pose, are in a map annotation with keys that
    begin with ``ilemtrack.``.
    """
    settings, pose = frame.settings, frame.pose
    emission = () if frame.emission_band_nm is not None else ("emission_nm",)
    notes = {
        KIND_NAME: kind,
        "section": section,
        "field": field,
        "offset_adu": frame.offset_adu,
        "rotation_rad": pose.rotation_rad,
        "flip_x": pose.flip_x,
        "flip_y": pose.flip_y,
        "exposure_s": settings.exposure_s,
        "em_gain": settings.em_gain,
        "excitation_nm": settings.excitation_nm,
        "power_density_w_per_cm2": settings.power_density_w_per_cm2,
        "binning": None if frame.binning is None else "{}x{}".format(*frame.binning),
        "taken_at_s": frame.taken_at_s,
        # Values that no device reports, taken from the configuration.
        "as_configured": " ".join(("objective", "camera", *emission, *frame.as_configured)),
    }
    channel = LightChannel(
        light_path,
        settings.excitation_nm,
        settings.power_density_w_per_cm2,
        settings.em_gain,
        frame.offset_adu,
        settings.exposure_s,
        frame.binning,
        frame.emission_band_nm,
    )
    facts = ImageFacts(
        field,
        section,
        _size(frame.pixels),
        frame.pixels.dtype.name,
        pose.pixel_size_m,
        pose.center_m,
        pose.rotation_rad,
        acquisition,
        channel,
        notes,
    )
    return save(path, frame.pixels, facts, compress)


def save_em(
    path: Path,
    image: ScanImage,
    section: str,
    job: str,
    covers: tuple[str, ...],
    acquisition: Acquisition,
    compress: bool = False,
) -> SavedImage:
    """Save an electron image; see `service.image_files.images.save`.

    OME has a place for position, detector, working distance and pressure. The accelerating voltage is where
    Odemis has it too, with the detector, and the dwell time is the exposure time of the plane: both are among
    the annotations by their names, with the beam and the covered cells.
    """
    beam = image.beam
    notes = {
        KIND_NAME: ImageKind.ELECTRON,
        "section": section,
        "job": job,
        "covers": " ".join(covers),
        "dwell_s": clean(image.dwell_s),
        "accelerating_voltage_v": clean(beam.accelerating_voltage_v),
        "spot_size": clean(beam.spot_size),
        "aperture_m": clean(beam.aperture_m),
        "working_distance_m": clean(beam.working_distance_m),
        "probe_current_a": None if beam.probe_current_a is None else clean(beam.probe_current_a),
        "detector": beam.detector,
        # Values that no device reports, taken from the configuration.
        "as_configured": " ".join(beam.as_configured),
        "nonce": image.nonce,
    }
    channel = ElectronChannel(
        beam.detector, beam.accelerating_voltage_v, beam.working_distance_m, image.dwell_s
    )
    facts = ImageFacts(
        f"{section}/{job}",
        section,
        _size(image.pixels),
        image.pixels.dtype.name,
        (image.pixel_size_m, image.pixel_size_m),
        image.center_m,
        0.0,
        acquisition,
        channel,
        notes,
    )
    return save(path, image.pixels, facts, compress)


def save_holder_overview(
    path: Path,
    pixels: NDArray[np.uint16],
    center_m: tuple[float, float],
    pixel_size_m: float,
    channel: LightChannel,
    acquisition: Acquisition,
    notes: Mapping[str, object],
) -> SavedImage:
    """Save a stitched overview of the holder, upright on the stage; see `service.image_files.images.save`."""
    facts = ImageFacts(
        "overview of the holder",
        "holder",
        _size(pixels),
        pixels.dtype.name,
        (pixel_size_m, pixel_size_m),
        center_m,
        0.0,
        acquisition,
        channel,
        {KIND_NAME: ImageKind.HOLDER_OVERVIEW, **notes},
    )
    return save(path, pixels, facts)


def _size(pixels: Pixels) -> tuple[int, int]:
    return pixels.shape[1], pixels.shape[0]
