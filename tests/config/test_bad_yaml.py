"""Configurations that are damaged, or made to hurt: one sentence, at once, and no secrets in it."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.choices import profile_names
from config.documents.comments import commented
from config.errors import ConfigError
from config.loading import dump, load, parse
from tests.examples import examples

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 10)}]\n" for n in range(12)
)
SECRET = "hunter2pass"


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, "a.yaml")
    said = str(caught.value)
    assert said.startswith("a.yaml: ")
    assert "\n" not in said
    assert len(said) < 800
    return said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "calibration: {measured_on: 2001-13-41}",
            "calibration.measured_on: must be a date such as 2026-11-30",
        ),
        ("sem:\n  dwell_us: " + "7" * 5000, "line 2: no value that can be read as int"),
        ("sem: {dwell_us: 0x" + "f" * 5000 + "}", "number too long"),
        ("2001-01-01: 1", "2001-01-01: unknown key"),
        ("? !!binary aGVsbG8=\n: 1", "a key that is no word"),
        ("sem: !!int ''", "no value that can be read as int"),
        ("sem: !!timestamp soon", "no value that can be read as timestamp"),
        ("sem: !!bool perhaps", "no value that can be read as bool"),
        ("? !!set {a}\n: 1", "a key must be a word"),
        ("sem: &a [*a]", "a value contains itself"),
        ("[" * 5000, "nested too deeply"),
        ("{a: " * 5000, "nested too deeply"),
        ("sem: *nothing", "undefined alias"),
        ("calibration: &a {scale: 1}\nsem: {<<: *a}", "line 2: << is not read"),
        ("a: 1\na: 2", "the key a twice"),
        ("sem:\n\tdwell_us: 60", "line 2: a tab; indent with spaces"),
        ("sem:\n  dwell_us: 60\n\thfw_um: 3", "line 3: a tab; indent with spaces"),
        ("sem: {dwell_us: 16,5}", "sem.5: unknown key; numbers have a decimal point, not a comma"),
        ("sem: {dwell_us: '16,5'}", "not '16,5'; write a decimal point"),
        ("\0", "not valid YAML"),
        ("sem: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        (LAUGHS, "aliases repeat more than 10000 values"),
    ],
)
def test_what_is_no_configuration_is_one_sentence_within_a_second(text: str, words: str) -> None:
    began = time.process_time()
    assert words in refused(text)
    assert time.process_time() - began < 1


def test_aliases_in_reason_are_read() -> None:
    config = parse(
        "sem: &a {dwell_us: 30}\nsimulator: {specimen: {seed: &n 4}}\nsession: {retries: *n}", "a.yaml"
    )
    assert (config.sem.dwell_us, config.session.retries) == (30, 4)


def test_a_date_is_read() -> None:
    assert (
        str(parse("calibration: {measured_on: 2026-11-23}", "a.yaml").calibration.measured_on) == "2026-11-23"
    )


URL = f"mailto://user:{SECRET}@example.org"


@pytest.mark.parametrize(
    "text",
    [
        f"notify:\n  urls: [{URL}\nsem: {{}}",
        f"notify:\n  urls:\n  - {URL}\n bad: 1",
        f"notify:\n  urls: ['{URL}]",
        f"notify:\n  urls: [*{SECRET}]",
        f"notify:\n  urls: [!{SECRET} x]",
        f"notify:\n  urls: [&{SECRET} x, &{SECRET} y, {{]",
        f"notify:\n  urls: {URL}",
        f"notify: {URL}",
        f"notify: {{'{URL}': 1}}",
        f"notify: {{urls: {{'{URL}': 1}}}}",
        f"notify: {{urls: ['{URL}'], {SECRET}: 1}}",
        f"notify: {{urls_file: ['{URL}']}}",
        f"notify: {{events: ['{URL}']}}",
        f"'{URL}': 1",
        f"'{URL}': 1\n'{URL}': 2",
        f"sem: '{URL}'",
        f"profile: {{urls: '{URL}'}}",
        f"- {URL}",
        f"notify: {{urls: ['{URL}', {{}}]}}",
        f"notify:\n\turls: {URL}",
        f'notify:\n  urls: ["{URL}\\x"]',
    ],
)
def test_no_error_shows_a_password(text: str) -> None:
    assert SECRET not in refused(text)


def test_a_pipe_a_device_and_a_large_file_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "large.yaml").write_bytes(b"#" * 4_000_001)
    for path, words in (
        (tmp_path / "pipe.yaml", "is a pipe or a device, not a file"),
        (Path("/dev/zero"), "is a pipe or a device, not a file"),
        (tmp_path / "large.yaml", "is larger than 4 MB"),
        (tmp_path, "is a folder, not a file"),
    ):
        with pytest.raises(ConfigError, match=f"cannot be read \\({words}"):
            load(path)


@pytest.mark.parametrize("name", profile_names())
def test_a_configuration_with_its_comments_reads_back_unchanged(name: str) -> None:
    config = load(name)
    text = commented(config)
    assert parse(text, name) == parse(dump(config), name)
    assert "# Dwell time of a pixel, us; from 0.025 to 10000." in text
    assert "# Electron imaging (EM): beam, scan and detector." in text


def test_every_key_of_a_configuration_has_its_description_as_a_comment() -> None:
    lines = commented(load("quanta250-secom")).splitlines()
    keys = [n for n, line in enumerate(lines) if line and not line.lstrip().startswith(("#", "-"))]
    assert len(keys) > 100
    assert not [lines[n] for n in keys if not lines[n - 1].lstrip().startswith("#")]


WHOLE = dump(load("simulator")).encode()


@examples(40)
@given(st.binary(max_size=40), st.integers(0, 2000), st.integers(0, 40))
def test_damaged_text_never_gives_a_traceback(noise: bytes, at: int, length: int) -> None:
    data = bytearray(WHOLE)
    at %= len(data)
    data[at : at + length] = noise
    try:
        parse(data.decode("utf-8", errors="replace"), "a.yaml")
    except ConfigError as error:
        assert str(error).startswith("a.yaml: ")  # noqa: PT017
