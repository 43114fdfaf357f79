import pytest

from config.errors import ConfigError
from config.loading import parse


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:7521", "tcp://sem-pc.lab:1", "unix:///run/sem.sock"])
def test_an_endpoint(endpoint: str) -> None:
    quanta = parse(f"quanta: {{endpoint: '{endpoint}'}}", "x").quanta
    assert quanta is not None
    assert quanta.endpoint == endpoint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("quanta: {endpoint: 'tcp://127.0.0.1:75290'}", "a port from 1 to 65535"),
        ("quanta: {endpoint: 'tcp://127.0.0.1:0'}", "a port from 1 to 65535"),
        ("quanta: {endpoint: 'http://x'}", "must be tcp://HOST:PORT or unix:///PATH, not 'http://x'"),
        ("quanta: {endpoint: 'unix://relative'}", "must be tcp://HOST:PORT or unix:///PATH"),
        ("quanta: {poll_s: -1}", "quanta.poll_s: must be above 0 and at most 10, not -1"),
        ("quanta: {speed: 1}", "quanta.speed: unknown key"),
        ("quanta: {reduced_area: false}", "sem.presets_px must name"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_sentence(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=r"^x: ") as caught:
        parse(text, "x")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_whole_presets_are_enough_without_a_reduced_area() -> None:
    config = parse("quanta: {reduced_area: false}\nsem: {presets_px: [[1536, 1024]]}", "x")
    assert config.sem.specimen_px == (1536, 1024)
