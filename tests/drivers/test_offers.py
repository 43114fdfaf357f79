import pytest

from drivers.offers import quantity


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (6e-05, "s", "60 us"),
        (1e-3, "s", "1 ms"),
        (0.0, "m", "0 m"),
        (-13e-3, "m", "-13 mm"),
        (2500.0, "V", "2.5 kV"),
        (1e-15, "A", "0.001 pA"),
        (200.0, "Pa", "200 Pa"),
        (3.5, "", "3.5"),
    ],
)
def test_a_quantity_as_people_say_it(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text
