"""The estimate of a session that has not begun, and the places of its sections."""

from config.loading import load
from service.console.computer.source import Estimate
from service.model.specimen import Field
from service.planning.session_estimate import estimate_fields
from service.session.layout import sections_and_fields, with_layout
from service.store.database import utc_now


def estimated(configuration: str, sections: int | None) -> Estimate:
    """Estimate a session.

    Parameters
    ----------
    configuration : str
        Name of a profile, or a file.
    sections : int or None
        In place of those of a grid.

    Raises
    ------
    ConfigError, InputError
    """
    config = with_layout(load(configuration), sections, None)
    found, fields = sections_and_fields(config)
    by_section: dict[str, list[Field]] = {section.id: [] for section in found}
    for field in fields:
        by_section[field.section].append(field)
    estimate = estimate_fields(config, list(by_section.values()), utc_now())
    (raster,) = estimate.ways
    return Estimate(
        sections=len(found),
        fields=len(fields),
        fluorescence_s=estimate.fluorescence_s + estimate.pumping_s,
        most_s=estimate.left_s,
        most_bytes=estimate.data_left_bytes,
        finish_at=raster.finish_at,
        outlines_m=tuple((one.id, one.outline_m or _around(by_section[one.id])) for one in found),
    )


def _around(fields: list[Field]) -> tuple[tuple[float, float], ...]:
    """Return the corners of the rectangle around some fields."""
    x0, y0 = min(one.rect_m[0] for one in fields), min(one.rect_m[1] for one in fields)
    x1, y1 = max(one.rect_m[2] for one in fields), max(one.rect_m[3] for one in fields)
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)
