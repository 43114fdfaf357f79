"""Selection of the cells to image by a rule: a function from values to values."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from config.work import TargetsConfig
from service.errors import InputError
from service.model.targets import LeftOut, Target

MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Selection:
    """Chosen cells and cells left out, by identifier; together all that there are.

    Attributes
    ----------
    chosen : frozenset of str
    left_out : mapping of str to LeftOut
    """

    chosen: frozenset[str]
    left_out: Mapping[str, LeftOut]


def select(targets: Sequence[Target], rule: TargetsConfig, kept: Collection[str] = ()) -> Selection:
    """Choose cells by a rule.

    The same cells and the same rule give the same choice in any order. Ties are broken by identifier. A
    sample of n is part of the sample of n + 1 with the same seed.

    Parameters
    ----------
    targets : sequence of Target
    rule : TargetsConfig
    kept : collection of str
        Cells that are chosen already, whatever the rule says; they count towards its number.

    Returns
    -------
    Selection
    """
    left_out: dict[str, LeftOut] = {}
    passed = []
    for target in targets:
        if target.id in kept:
            continue
        reason = _beyond(target, rule)
        if reason is None:
            passed.append(target)
        else:
            left_out[target.id] = reason
    taken = sum(target.id in kept for target in targets)
    match rule.choose:
        case "all":
            pass
        case "tracks":
            named = frozenset(rule.tracks)
            left_out |= {one.id: LeftOut.NOT_NAMED for one in passed if one.id not in named}
        case "brightest":
            ranked = sorted(passed, key=lambda one: (-_brightness(one), _in_order(one.id)))
            left_out |= {one.id: LeftOut.NOT_AMONG_BRIGHTEST for one in _behind(ranked, rule, taken)}
        case "sample":
            ranked = sorted(passed, key=lambda one: (_draw(rule.seed, one.id), _in_order(one.id)))
            left_out |= {one.id: LeftOut.NOT_IN_SAMPLE for one in _behind(ranked, rule, taken)}
    chosen = frozenset(target.id for target in targets) - left_out.keys()
    return Selection(chosen, left_out)


def check_possible(targets: Sequence[Target], rule: TargetsConfig) -> None:
    """Refuse a rule that names unknown cells, needs a brightness that is not known, or chooses none.

    Raises
    ------
    InputError
        One sentence.
    """
    known = {target.id for target in targets}
    if missing := [name for name in rule.tracks if name not in known]:
        more = ", ..." if len(missing) > MOST_NAMED else ""
        raise InputError(f"targets: there is no track {', '.join(missing[:MOST_NAMED])}{more}")
    by_brightness = rule.choose == "brightest" or not (
        rule.min_brightness_adu is None and rule.max_brightness_adu is None
    )
    if by_brightness and targets and all(target.brightness_adu is None for target in targets):
        raise InputError("targets: the brightness of no cell is known, so cells cannot be chosen by it")
    if targets and not select(targets, rule).chosen:
        raise InputError(f"targets: no cell is chosen by this rule; {_ranges(targets)}")


def _beyond(target: Target, rule: TargetsConfig) -> LeftOut | None:
    """Return the limit that a cell is beyond; a brightness that is not known is beyond none."""
    limits: Iterable[tuple[float | None, float | None, LeftOut, float | None, LeftOut]] = (
        (target.brightness_adu, rule.min_brightness_adu, LeftOut.TOO_DIM,
         rule.max_brightness_adu, LeftOut.TOO_BRIGHT),
        (target.size_um, rule.min_size_um, LeftOut.TOO_SMALL, rule.max_size_um, LeftOut.TOO_LARGE),
        (target.sections, rule.min_sections, LeftOut.TOO_SHORT, rule.max_sections, LeftOut.TOO_LONG),
    )  # fmt: skip
    for value, least, below, most, above in limits:
        if value is None:
            continue
        if least is not None and value < least:
            return below
        if most is not None and value > most:
            return above
    return None


def _behind(ranked: Sequence[Target], rule: TargetsConfig, taken: int) -> Sequence[Target]:
    assert rule.count is not None
    return ranked[max(0, rule.count - taken) :]


def _brightness(target: Target) -> float:
    return float("-inf") if target.brightness_adu is None else target.brightness_adu


def _in_order(name: str) -> tuple[int, str]:
    """Return a key that sorts T9 before T10."""
    return len(name), name


def _draw(seed: int, name: str) -> bytes:
    """Return a uniform random number that depends on the seed and this cell only."""
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def _ranges(targets: Sequence[Target]) -> str:
    sizes, lengths = [t.size_um for t in targets], [t.sections for t in targets]
    parts = [
        f"{min(sizes):.1f} to {max(sizes):.1f} um large",
        f"in {min(lengths)} to {max(lengths)} sections",
    ]
    bright = [t.brightness_adu for t in targets if t.brightness_adu is not None]
    if bright:
        parts.insert(0, f"{min(bright):.0f} to {max(bright):.0f} grey levels bright")
    return f"the {len(targets)} cells are {', '.join(parts)}"
