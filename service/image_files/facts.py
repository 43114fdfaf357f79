"""Facts that the file of an image states beside its pixels."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Self

from config.model import Config

LightKind = Literal["fluorescence", "reflected", "transmitted"]
"""Kind of light of a frame, as `config.light.holder` has it."""


class ImageKind(StrEnum):
    """Kind of an image, under ``ilemtrack.kind``."""

    FLUORESCENCE = "fluorescence"
    ELECTRON = "electron"
    HOLDER_TILE = "holder_tile"
    HOLDER_OVERVIEW = "holder_overview"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Origin of an image.

    Attributes
    ----------
    program : str
        Version of the program that writes it.
    microscope : str
        In a few words, see `service.session.hardware.microscope_name`.
    run, run_kind : str or None
        Identifier and kind of the run; None for an image of no run.
    """

    program: str
    microscope: str
    run: str | None = None
    run_kind: str | None = None


@dataclass(frozen=True, slots=True)
class Acquisition:
    """Circumstances under which an image was taken.

    Attributes
    ----------
    taken_at : datetime
        Aware of its zone.
    provenance : Provenance
    pressure_pa : float or None
        Of the chamber, read back beside the exposure; None where it was not.
    """

    taken_at: datetime
    provenance: Provenance
    pressure_pa: float | None = None


@dataclass(frozen=True, slots=True)
class LightPath:
    """The path of the light as configured; no device reports it.

    Attributes
    ----------
    magnification, numerical_aperture : float
        Of the objective.
    camera : str
    emission_nm : float
        Wavelength that the emission filter passes.
    light : LightKind
    """

    magnification: float
    numerical_aperture: float
    camera: str
    emission_nm: float
    light: LightKind = "fluorescence"

    @classmethod
    def of(cls, config: Config) -> Self:
        """Return the fluorescence light path of a configuration."""
        fm = config.fluorescence
        return cls(
            fm.objective_magnification,
            fm.objective_numerical_aperture,
            fm.camera,
            config.odemis.emission_nm,
        )

    @classmethod
    def of_holder(cls, config: Config) -> Self:
        """Return the light path of tiles and overviews of the holder."""
        holder = config.holder
        passed_nm = holder.wavelength_nm if holder.filter_nm is None else holder.filter_nm
        return replace(cls.of(config), emission_nm=passed_nm, light=holder.light)


@dataclass(frozen=True, slots=True)
class LightChannel:
    """The channel of a frame of the camera; None where a value is not known.

    Attributes
    ----------
    path : LightPath
    excitation_nm : float
        Wavelength of the light.
    power_density_w_per_cm2, em_gain, offset_adu, exposure_s : float or None
    binning : (int, int) or None
    band_nm : (float, float) or None
        Band of the emission filter as read back.
    """

    path: LightPath
    excitation_nm: float
    power_density_w_per_cm2: float | None = None
    em_gain: float | None = None
    offset_adu: float | None = None
    exposure_s: float | None = None
    binning: tuple[int, int] | None = None
    band_nm: tuple[float, float] | None = None

    @property
    def emission_nm(self) -> float:
        """Wavelength for readers: as configured where the band passes it, else the middle of the band."""
        wanted = self.path.emission_nm
        if self.band_nm is None or self.band_nm[0] <= wanted <= self.band_nm[1]:
            return wanted
        return sum(self.band_nm) / 2


@dataclass(frozen=True, slots=True)
class ElectronChannel:
    """The channel of an electron image.

    Attributes
    ----------
    detector : str
    accelerating_voltage_v, working_distance_m : float
    dwell_s : float
        Dwell time of a pixel.
    """

    detector: str
    accelerating_voltage_v: float
    working_distance_m: float
    dwell_s: float


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """All that the file says of one plane of grey levels.

    Attributes
    ----------
    name : str
    place : str
        Name of its place on the stage, such as the section.
    size_px : (int, int)
        Width and height.
    dtype : str
        ``uint8`` or ``uint16``.
    pixel_size_m, center_m : (float, float)
    rotation_rad : float
        Counter-clockwise.
    acquisition : Acquisition
    channel : LightChannel or ElectronChannel
    notes : mapping
        All else, and exact numbers; see `service.image_files.ome_xml`.
    """

    name: str
    place: str
    size_px: tuple[int, int]
    dtype: str
    pixel_size_m: tuple[float, float]
    center_m: tuple[float, float]
    rotation_rad: float
    acquisition: Acquisition
    channel: LightChannel | ElectronChannel
    notes: Mapping[str, Any]
