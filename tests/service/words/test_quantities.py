"""Times and sizes as people say them."""

import pytest

from service.words.quantities import duration


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0 s"),
        (0.003, "less than 0.1 s"),
        (0.05, "0.1 s"),
        (0.31, "0.3 s"),
        (0.94, "0.9 s"),
        (0.96, "1 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3600.0, "1 h 0 min"),
        (200_000.0, "2 d 7 h"),
        (None, "?"),
    ],
)
def test_a_time_is_said_as_people_say_it(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said
