"""Plain words for what pydantic says of a value."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

_PLAIN: Mapping[str, str] = {
    "missing": "is missing",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "dict_type": "must hold keys with values",
    "model_type": "must hold keys with values",
    "model_attributes_type": "must hold keys with values",
    "dataclass_type": "must hold keys with values",
}


def plain(error: ErrorDetails) -> str:
    """Return what is wrong with a value, in words that need no knowledge of Python.

    Parameters
    ----------
    error : pydantic_core.ErrorDetails
        One of `ValidationError.errors`.

    Returns
    -------
    str
        Sentence without its subject: 'must be a whole number'.
    """
    bounds: Mapping[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "too_short":
            return f"must have at least {_items(bounds['min_length'])}"
        case "too_long":
            return f"must have at most {_items(bounds['max_length'])}"
        case "string_too_short" if bounds["min_length"] == 1:
            return "must not be empty"
        case "string_too_short":
            return f"must have at least {bounds['min_length']} characters"
        case "string_too_long":
            return f"must have at most {bounds['max_length']} characters"
        case "literal_error" | "enum":
            return f"must be {bounds['expected']}"
        case "date_from_datetime_parsing" | "date_parsing" | "date_type":
            return "must be a date such as 2026-11-30"
        case kind:
            return _PLAIN.get(kind, error["msg"].removeprefix("Value error, "))


def _items(number: int) -> str:
    return f"{number} item{'s' * (number != 1)}"
