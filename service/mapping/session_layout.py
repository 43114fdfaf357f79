"""A configuration with the sections of a list, and what a session on them would take."""

from typing import Any

from config.layout import ListLayout
from config.loading import dump, parse
from config.model import Config
from service.model.specimen import Field
from service.planning.session_estimate import estimate_fields
from service.session.layout import sections_and_fields
from service.store.database import utc_now

_MOST_MARGIN_UM = 500.0
"""Limit of `planner.outline_margin_um`."""


def with_sections(config: Config, layout: ListLayout, error_um: float) -> Config:
    """Return a configuration with another layout, as it would be read from a file.

    Its frames may leave the outlines by `error_um` more: a section may end that far beyond, and a cell there
    that the fluorescence shows would not be imaged.

    Parameters
    ----------
    config : Config
    layout : ListLayout
    error_um : float
        Error to allow for in the outlines.

    Raises
    ------
    ConfigError
        Raised when the layout breaks a rule.
    InputError
        Raised when a field lies outside the safe area of the stage, or sections overlap.
    """
    margin_um = min(config.planner.outline_margin_um + error_um, _MOST_MARGIN_UM)
    planner = config.planner.model_copy(update={"outline_margin_um": margin_um})
    settings = parse(dump(config.model_copy(update={"layout": layout, "planner": planner})), "layout")
    sections_and_fields(settings)
    return settings


def estimated(config: Config) -> dict[str, Any]:
    """Return the numbers of sections and fields, and the estimate of a full raster: the upper limit."""
    sections, fields = sections_and_fields(config)
    by_section: dict[str, list[Field]] = {section.id: [] for section in sections}
    for field in fields:
        by_section[field.section].append(field)
    estimate = estimate_fields(config, list(by_section.values()), utc_now())
    return {"sections": len(sections), "fields": len(fields), "estimate": estimate.model_dump(mode="json")}
