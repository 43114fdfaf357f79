"""From the configured layout to the sections and fields of a session."""

from config.layout import ListedSection, field_centers_um, listed_sections
from config.model import Config
from drivers.pose import FmToSem, RectM
from service.errors import InputError
from service.records import Field, Section


def fm_to_sem(config: Config) -> FmToSem:
    """Return the calibration of a configuration."""
    c = config.calibration
    return FmToSem((c.shift_um[0] * 1e-6, c.shift_um[1] * 1e-6), c.rotation_mrad * 1e-3, c.scale, c.shear)


def safe_area_m(config: Config) -> RectM:
    """Where the stage may go, m."""
    (x0, x1), (y0, y1) = config.stage.safe_x_mm, config.stage.safe_y_mm
    return x0 * 1e-3, y0 * 1e-3, x1 * 1e-3, y1 * 1e-3


def sections_and_fields(config: Config) -> tuple[tuple[Section, ...], tuple[Field, ...]]:
    """Sections in the order of cutting and their fields in the order in which they are visited.

    Raises
    ------
    InputError
        A field's centre lies outside the safe area of the stage.
    """
    x0, y0, x1, y1 = safe_area_m(config)
    width_m, height_m = config.fluorescence.field_size_m
    sections, fields = [], []
    for index, listed in enumerate(listed_sections(config.layout)):
        center_m = (listed.center_um[0] * 1e-6, listed.center_um[1] * 1e-6)
        sections.append(Section(listed.id, index, center_m))
        for number, (x, y) in enumerate(_centers_m(listed, (width_m, height_m))):
            if not (x0 <= x <= x1 and y0 <= y <= y1):
                raise InputError(
                    f"layout: field F{number:03d} of section {listed.id} at ({x * 1e3:.3f}, {y * 1e3:.3f}) mm"
                    f" lies outside the safe area of the stage, x {config.stage.safe_x_mm} mm,"
                    f" y {config.stage.safe_y_mm} mm"
                )
            rect = (x - width_m / 2, y - height_m / 2, x + width_m / 2, y + height_m / 2)
            fields.append(Field(f"{listed.id}/F{number:03d}", listed.id, number, (x, y), rect))
    return tuple(sections), tuple(fields)


def _centers_m(section: ListedSection, size_m: tuple[float, float]) -> list[tuple[float, float]]:
    centers = field_centers_um(section, (size_m[0] * 1e6, size_m[1] * 1e6))
    return [(x * 1e-6, y * 1e-6) for x, y in centers]
