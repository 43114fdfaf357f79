from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.choices import profile_names
from config.errors import ConfigError
from config.layout import GridLayout, ListedSection, field_centers_um, listed_sections
from config.loading import dump, load, parse
from config.model import Config
from config.work import DetectionConfig


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_detects_as_the_defaults_do(name: str) -> None:
    assert load(name).detection == DetectionConfig()


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_has_the_values_of_the_paper(name: str) -> None:
    config = load(name)
    fm, sem = config.fluorescence, config.sem
    assert (fm.excitation_nm, fm.power_density_w_per_cm2, fm.exposure_s) == (488, 0.5, 2)
    assert (fm.frame_px, fm.pixel_size_nm) == ((512, 512), 178)
    assert (fm.objective_magnification, fm.objective_numerical_aperture) == (40, 0.95)
    assert config.chamber.fluorescence_pressure_pa == 200
    assert (sem.pixel_size_nm, sem.frame_px, sem.databar_px, sem.dwell_us) == (16.5, (1536, 1103), 79, 60)
    assert (sem.accelerating_voltage_kv, sem.spot_size, sem.aperture_um) == (2.5, 3.5, 30)
    assert (sem.working_distance_mm, sem.detector) == (5.8, "vCD")
    assert sem.specimen_px == (1536, 1024)


def test_every_key_says_what_it_is() -> None:
    models = Config.model_json_schema()["$defs"] | {"Config": Config.model_json_schema()}
    silent = [
        f"{model}.{key}"
        for model, schema in models.items()
        for key, one in schema["properties"].items()
        if "$ref" not in one and not one.get("description")
    ]
    assert silent == []


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_sets_every_key_so_that_a_person_can_see_it(name: str) -> None:
    unset = set(Config.model_fields) - load(name).model_fields_set
    assert unset <= {"calibration", "api", "simulator", "odemis"}
    assert load(name).driver != "odemis" or "odemis" not in unset


@pytest.mark.parametrize("name", profile_names())
def test_what_is_dumped_is_read_back_unchanged(name: str) -> None:
    config = load(name)
    assert parse(dump(config), "again") == config


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colour: 1", "a.yaml: colour: unknown key"),
        ("sem: {dwell: 60}", "a.yaml: sem.dwell: unknown key"),
        ("sem: {dwell_us: -3}", "a.yaml: sem.dwell_us: must be from 0.025 to 10000, not -3"),
        ("sem: {dwell_us: 20000}", "a.yaml: sem.dwell_us: must be from 0.025 to 10000, not 20000"),
        (
            "fluorescence: {exposure_s: 0}",
            "a.yaml: fluorescence.exposure_s: must be above 0 and at most 600, not 0",
        ),
        (
            "fluorescence: {exposure_s: .nan}",
            "a.yaml: fluorescence.exposure_s: must be a finite number, not nan (line 1)",
        ),
        ("fluorescence: {exposure_s: soon}", "must be a number, not 'soon'"),
        ("sem: {frame_px: [10, 20]}", "frame_px must be two numbers from 64 to 65536"),
        ("sem: {frame_px: [1536, 140]}", "databar_px must leave at least 64"),
        ("layout: {kind: hex}", "a.yaml: layout.kind: must be grid or list, not 'hex'"),
        ("layout: {sections: 1}", "a.yaml: layout: must say its kind: grid or list"),
        (
            "layout: {kind: list, sections: [{id: S0001, center_um: [0, 0]},{id: S0001, center_um: [9, 9]}]}",
            "twice",
        ),
        (
            "sem: {presets_px: [[8, 512]]}",
            "presets_px must be pairs of numbers from 16 to 65536, not [8, 512]",
        ),
        ("sem: {presets_px: [[768, 512], [768, 512]]}", "presets_px must all differ"),
        ("sem: {beam_shift_range_um: -1}", "a.yaml: sem.beam_shift_range_um: must be from 0 to 500, not -1"),
        ("stage: {approach_um: [5000, 0]}", "approach_um must be two numbers from -1000 to 1000"),
        ("planner: {method: fastest}", "a.yaml: planner.method: "),
        (
            "layout: {kind: list, sections: [{id: S0001, center_um: [0, 0],"
            " outline_um: [[0, 0], [9, 9], [9, 0], [0, 9]]}]}",
            "does not cross itself",
        ),
        (
            "layout: {kind: list, sections: [{id: S0001, center_um: [0, 0],"
            " outline_um: [[0, 0], [1, 1], [2, 2]]}]}",
            "does not cross itself",
        ),
        ("a: 1\na: 2", "twice"),
        ("[1, 2]", "mapping"),
        ("sem: {dwell_us: yes}", "a.yaml: sem.dwell_us: must be a number, not yes"),
        ('sem: {dwell_us: "60"}', "a.yaml: sem.dwell_us: must be a number, not '60' (line 1)"),
        ("simulator: {specimen: {cells_per_field: 200}}", "do not fit into a field"),
        ("sem: &a {dwell_us: *a}", "a.yaml: "),
        ("sem: [", "not valid YAML"),
        ("[" * 5000, "not valid YAML"),
        ("v: 2", "a.yaml: v: must be 1, not 2 (line 1)"),
        ("planner: {guard_um: 0.5}", "planner.guard_um must not be below stage.position_error_um"),
        ("api: {endpoint: 'tcp://0.0.0.0:5555', events_endpoint: 'tcp://0.0.0.0:0'}", "from 1 to 65535"),
        ("api: {endpoint: 'ipc:///a/b'}", "set together"),
        (
            "sem:\n  spot_size: 3\n  dwell_us: 60 us",
            "a.yaml: sem.dwell_us: must be a number, not '60 us' (line 3)",
        ),
        ("sem: {dwell_us: 1:30}", "sem.dwell_us: must be a number, not '1:30'"),
        ("sem: {dwell_us: 1:30.5}", "sem.dwell_us: must be a number, not '1:30.5'"),
        (
            "layout:\n  kind: grid\n  sections: 010",
            "layout.sections: must be a whole number, not '010' (line 3)",
        ),
        (
            "layout:\n  kind: grid\n  sections: 3.5",
            "layout.sections: must be a whole number, not 3.5 (line 3)",
        ),
        ("layout: {kind: list, sections: []}", "layout.sections: must have at least 1 item (line 1)"),
        ("session: {review: 1}", "session.review: must be true or false, not 1"),
        ("sem:", "sem: must hold keys with values, not nothing (line 1)"),
        ("profile:", "profile: must be text, not nothing"),
        ("simulator:\n  a: 1\n  b: 2", "simulator.a: unknown key (line 2, and 1 more)"),
        (
            "layout:\n  kind: list\n  sections:\n  - {id: S0001, center_um: [0, 0]}\n  - {id: S0002}",
            "layout.sections.1.center_um: is missing (line 5)",
        ),
    ],
)
def test_bad_input_gets_one_sentence_that_names_file_key_and_range(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "a.yaml")
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("a.yaml: ")
    assert "\n" not in str(caught.value)


def test_the_largest_scan_is_that_of_the_presets_or_of_the_frame_without_its_data_bar() -> None:
    assert parse("sem: {frame_px: [1536, 1103], databar_px: 79}", "a.yaml").sem.specimen_px == (1536, 1024)
    presets = parse("sem: {presets_px: [[512, 442], [6144, 4096]]}", "a.yaml").sem
    assert presets.specimen_px == (6144, 4096)


def test_numbers_may_be_written_with_an_exponent() -> None:
    assert parse("chamber: {high_vacuum_pa: 1e-3}", "a.yaml").chamber.high_vacuum_pa == 1e-3


def test_a_file_that_is_missing_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file, and no profile of that name"):
        load(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "binary.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_grid_sections_follow_rows_and_keep_to_the_pitch() -> None:
    sections = listed_sections(GridLayout(sections=5, columns=2, pitch_um=100, first_um=(10, 20)))
    assert [s.id for s in sections] == ["S0001", "S0002", "S0003", "S0004", "S0005"]
    assert [s.center_um for s in sections] == [(10, 20), (110, 20), (10, -80), (110, -80), (10, -180)]


@given(
    columns=st.integers(1, 6),
    rows=st.integers(1, 6),
    overlap=st.floats(0, 50),
    width=st.floats(10, 200),
    height=st.floats(10, 200),
)
def test_fields_tile_a_section_about_its_centre(
    columns: int, rows: int, overlap: float, width: float, height: float
) -> None:
    section = ListedSection(
        id="S0001", center_um=(5, -7), fields=(columns, rows), field_overlap_percent=overlap
    )
    centers = field_centers_um(section, (width, height))
    assert len(set(centers)) == columns * rows
    assert sum(x for x, _ in centers) / len(centers) == pytest.approx(5, abs=1e-6)
    assert sum(y for _, y in centers) / len(centers) == pytest.approx(-7, abs=1e-6)
    for (xa, ya), (xb, yb) in pairwise(centers):
        # A snake: neighbours in the list are neighbours on the stage, so they overlap as demanded.
        steps = abs(xa - xb) / width + abs(ya - yb) / height
        assert steps == pytest.approx(1 - overlap / 100)
