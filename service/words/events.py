"""Events of a session in words, one line each."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.model.images.trends import Trend
from service.wording import some
from service.words.quantities import duration
from service.words.trends import trend_says

_UNITS = {"s": "s", "m": "m", "pa": "Pa", "um": "um", "v": "V"}
"""Units by the last part of a key."""


def event_words(event: Mapping[str, Any]) -> str:
    """Return what an event of the API says, in words."""
    data = event["data"]
    match event["kind"]:
        case "preflight":
            bad = [check["says"] for check in data["checks"] if check["level"] != "ok"]
            return f"{len(data['checks'])} checks" + (f", not ok: {'; '.join(bad)}" if bad else ", all ok")
        case "estimate":
            return f"{duration(data['left_s'])} left, {data['frames_left']} frames"
        case "session":
            change = f"{data.get('from')} -> {data.get('phase')}".replace("_", " ")
            return change + (f": {data['reason']}" if data.get("reason") else "")
        case "trend":
            return trend_says(Trend.of(event["subject"], data))
        case "watchdog":
            return " ".join(str(data[key]) for key in ("what", "done") if data.get(key))
        case _:
            return _change(data)


def _change(data: Mapping[str, Any]) -> str:
    """Return a change of state with its reason first, then all else."""
    known = dict(data)
    start, end, reason = known.pop("from", None), known.pop("to", None), known.pop("reason", None)
    parts = [f"{start} -> {end}".replace("_", " ")] if start is not None and end is not None else []
    moved, before = known.pop("moved", None), known.pop("before", None)
    if moved is not None:
        parts = [
            f"moved before {before}" if before else f"moved {'forward' if moved[1] < moved[0] else 'back'}"
        ]
    if not parts and end is not None:
        parts = [str(end).replace("_", " ")]
    if reason:
        parts = [f"{parts[0]}: {reason}" if parts else str(reason)]
    return ", ".join([*parts, *_pairs(known)])


def _pairs(data: Mapping[str, Any]) -> list[str]:
    return [_pair(key, value) for key, value in data.items() if value not in (None, [], {}, "")]


def _pair(key: str, value: Any) -> str:
    name, _, last = key.rpartition("_")
    if name and last in _UNITS and not isinstance(value, (str, Mapping)):
        return f"{name.replace('_', ' ')} {_value(value)} {_UNITS[last]}"
    return f"{key.replace('_', ' ')} {_value(value)}"


def _value(value: Any) -> str:
    if value is None:
        return "automatic"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return f"({', '.join(_pairs(value))})"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return some([_value(item) for item in value])
    return str(value)
