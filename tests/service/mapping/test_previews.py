"""The layout after a preview."""

from config.layout import ListLayout
from config.model import Config
from detection.image_quality.presence import Holds, Presence
from service.mapping.previews import preview_light, preview_plan, with_cells
from service.report.found_sections import found_sections
from service.session.layout import sections_and_fields
from service.words.layout import counted

CONFIG = Config.model_validate({"layout": {"kind": "grid", "sections": 2, "fields": [2, 1]}})


def _seen(*holds: Holds, scores: tuple[float, ...] = (1, 2, 3, 4)) -> dict[str, Presence]:
    names = [tile.name for tile in preview_plan(CONFIG).tiles]
    found = (Presence(one, score, 1.0, (0, 0), 0.0) for one, score in zip(holds, scores, strict=False))
    return dict(zip(names, found, strict=False))


def test_a_preview_has_the_light_of_a_frame_and_less_exposure() -> None:
    light = preview_light(CONFIG, 0.1).holder
    fluorescence = CONFIG.fluorescence
    assert light.exposure_s == 0.1 * fluorescence.exposure_s
    assert (light.wavelength_nm, light.em_gain) == (fluorescence.excitation_nm, fluorescence.em_gain)
    assert light.filter_nm == CONFIG.odemis.emission_nm


def test_fields_in_doubt_and_without_a_preview_stay() -> None:
    chosen = with_cells(CONFIG, _seen(Holds.NOTHING, Holds.PERHAPS, Holds.CELLS))
    _, fields = sections_and_fields(chosen.config)
    before = sections_and_fields(CONFIG)[1]
    assert [one.center_m for one in fields] == [one.center_m for one in before[1:]]
    ((name, center),) = chosen.left_out
    assert name == "S0001-F000"
    layout = chosen.config.layout
    assert isinstance(layout, ListLayout)
    assert layout.sections[0].left_out_centers_um == (center,)
    assert layout.sections[1].left_out_centers_um is None
    assert counted(layout, 2, 3) == "2 sections with 3 fields; a preview left out 1 more, which nobody images"
    assert counted(CONFIG.layout, 2, 4) == "2 sections with 4 fields"
    # The simulated sections lie and look as before, and were not found in an overview.
    assert chosen.config.simulator.layout is not None
    assert found_sections(chosen.config) is None
    assert not chosen.spared


def test_a_section_without_cells_keeps_the_field_with_most_evidence() -> None:
    chosen = with_cells(CONFIG, _seen(*[Holds.NOTHING] * 4, scores=(1, 2, 4, 3)))
    assert chosen.spared == ("S0001-F001", "S0002-F000")
    assert [name for name, _ in chosen.left_out] == ["S0001-F000", "S0002-F001"]
