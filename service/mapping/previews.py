"""Fields that hold cells, chosen by a preview of low exposure before a session."""

from collections.abc import Mapping
from dataclasses import dataclass

from config.layout import ListLayout, field_centers_um, listed_sections
from config.light.holder import HolderConfig
from config.loading import dump, parse
from config.model import Config
from detection.image_quality.presence import Holds, Presence
from service.mapping.tiles.plan import Tile, TilePlan
from service.session.layout import sections_and_fields


@dataclass(frozen=True, slots=True)
class Chosen:
    """A configuration whose fields were chosen.

    Attributes
    ----------
    config : Config
    left_out : tuple of (str, (float, float))
        Names of the previews of the fields left out, and the centres of these, um.
    spared : tuple of str
        Fields that stay only since their section would have none.
    """

    config: Config
    left_out: tuple[tuple[str, tuple[float, float]], ...]
    spared: tuple[str, ...]


def preview_light(config: Config, share: float) -> Config:
    """Return the configuration with the light of fluorescence as that of the holder, at a lower exposure.

    Parameters
    ----------
    config : Config
    share : float
        Exposure as a share of that of a frame.
    """
    fluorescence = config.fluorescence
    light = HolderConfig(
        light="fluorescence",
        wavelength_nm=fluorescence.excitation_nm,
        filter_nm=config.odemis.emission_nm,
        power_density_w_per_cm2=fluorescence.power_density_w_per_cm2,
        exposure_s=share * fluorescence.exposure_s,
        em_gain=fluorescence.em_gain,
    )
    return config.model_copy(update={"holder": light})


def preview_plan(config: Config) -> TilePlan:
    """Return a tile for each field of the layout.

    Raises
    ------
    InputError
        Raised when a field lies outside the safe area of the stage, or sections overlap.
    """
    _, fields = sections_and_fields(config)
    tiles = tuple(
        Tile(_name(field.section, field.index), 0, n, field.center_m) for n, field in enumerate(fields)
    )
    x0, y0 = (min(field.rect_m[axis] for field in fields) for axis in (0, 1))
    x1, y1 = (max(field.rect_m[axis] for field in fields) for axis in (2, 3))
    return TilePlan((x0, y0, x1, y1), 1, len(tiles), tiles, config.fluorescence.pixel_size_m)


def with_cells(config: Config, seen: Mapping[str, Presence]) -> Chosen:
    """Return the configuration without the fields that hold nothing.

    A field without a preview stays. A section without cells keeps the field with the most evidence, so that
    it is not lost from the stack.

    Parameters
    ----------
    config : Config
    seen : mapping
        Evidence by the names of `preview_plan`.

    Raises
    ------
    ConfigError
        Raised when the new layout breaks a rule.
    """
    size_um = tuple(size * 1e6 for size in config.fluorescence.field_size_m)
    sections, left_out, spared = [], [], []
    listed = listed_sections(config.layout)
    for one in listed:
        centers = field_centers_um(one, (size_um[0], size_um[1]))
        names = [_name(one.id, number) for number in range(len(centers))]
        empty = [name in seen and seen[name].holds is Holds.NOTHING for name in names]
        if all(empty):
            best = max(range(len(names)), key=lambda n: seen[names[n]].score)
            empty[best] = False
            spared.append(names[best])
        gone = tuple(center for center, out in zip(centers, empty, strict=True) if out)
        left_out += [(name, center) for name, center, out in zip(names, centers, empty, strict=True) if out]
        kept = tuple(center for center, out in zip(centers, empty, strict=True) if not out)
        before = one.left_out_centers_um or ()
        sections.append(
            one.model_copy(update={"field_centers_um": kept, "left_out_centers_um": (*before, *gone) or None})
        )
    changes: dict[str, object] = {"layout": ListLayout(kind="list", sections=tuple(sections))}
    if config.driver == "simulator" and config.simulator.layout is None:
        # The simulated block has the size of its fields.
        true = ListLayout(kind="list", sections=listed)
        changes["simulator"] = config.simulator.model_copy(update={"layout": true})
    settings = parse(dump(config.model_copy(update=changes)), "preview")
    return Chosen(settings, tuple(left_out), tuple(spared))


def _name(section: str, number: int) -> str:
    return f"{section}-F{number:03d}"
