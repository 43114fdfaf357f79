"""Selection of cells by a rule, on values."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.work import TargetsConfig
from service.errors import InputError
from service.model.targets import LeftOut, Target
from service.planning.targets.select import check_possible, select
from tests.examples import examples

NAMES = st.integers(1, 400).map("T{:04d}".format)
TARGETS = st.lists(
    st.builds(
        Target,
        NAMES,
        st.none() | st.integers(-20, 60).map(float),
        st.integers(1, 30).map(float),
        st.integers(1, 9),
    ),
    max_size=20,
    unique_by=lambda one: one.id,
)


@st.composite
def rules(draw: st.DrawFn) -> TargetsConfig:
    """Rules of every kind, with and without limits."""
    values: dict[str, object] = {"choose": draw(st.sampled_from(["all", "brightest", "sample", "tracks"]))}
    if values["choose"] in ("brightest", "sample"):
        values |= {"count": draw(st.integers(1, 12)), "seed": draw(st.integers(0, 3))}
    if values["choose"] == "tracks":
        values["tracks"] = tuple(draw(st.lists(NAMES, min_size=1, max_size=5)))
    for name, low, high in (("brightness_adu", -10, 50), ("size_um", 0, 30), ("sections", 1, 9)):
        if draw(st.booleans()):
            middle = draw(st.integers(low, high))
            values |= {f"min_{name}": draw(st.integers(low, middle)), f"max_{name}": middle}
    return TargetsConfig.model_validate(values)


RULES = rules()


@examples(40)
@given(TARGETS, RULES, st.randoms(use_true_random=False))
def test_every_cell_is_chosen_or_left_out_in_any_order(
    targets: list[Target], rule: TargetsConfig, random: Random
) -> None:
    found = select(targets, rule)
    assert found.chosen | found.left_out.keys() == {one.id for one in targets}
    assert not found.chosen & found.left_out.keys()
    random.shuffle(targets)
    assert select(targets, rule) == found


@examples(40)
@given(TARGETS, RULES)
def test_a_number_is_reached_wherever_enough_cells_are_within_the_limits(
    targets: list[Target], rule: TargetsConfig
) -> None:
    within = select(targets, rule.model_copy(update={"choose": "all", "count": None, "tracks": ()})).chosen
    chosen = select(targets, rule).chosen
    assert chosen <= within
    if rule.count is not None:
        assert len(chosen) == min(rule.count, len(within))
    elif rule.choose == "all":
        assert chosen == within


@examples(40)
@given(TARGETS, st.integers(1, 12))
def test_no_cell_left_out_is_brighter_than_one_of_the_brightest(targets: list[Target], count: int) -> None:
    found = select(targets, TargetsConfig(choose="brightest", count=count))
    known = {one.id: one.brightness_adu for one in targets}
    chosen = [known[name] for name in found.chosen]
    others = [known[name] for name in found.left_out]
    if None in chosen:
        assert all(level is None for level in others)
    elif chosen:
        least = min(level for level in chosen if level is not None)
        assert all(level is None or level <= least for level in others)


@examples(40)
@given(TARGETS, st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_a_larger_sample_of_the_same_seed_holds_the_smaller(
    targets: list[Target], count: int, seed: int
) -> None:
    small, large = (
        select(targets, TargetsConfig(choose="sample", count=n, seed=seed)).chosen for n in (count, count + 1)
    )
    assert small <= large


def test_each_cell_is_sampled_about_as_often_as_any_other() -> None:
    targets = [Target(f"T{n:04d}", None, 5.0, 1) for n in range(20)]
    counts = dict.fromkeys((one.id for one in targets), 0)
    for seed in range(400):
        for name in select(targets, TargetsConfig(choose="sample", count=5, seed=seed)).chosen:
            counts[name] += 1
    # Of 400 draws with a chance of 1/4: 100, standard deviation 8.7.
    assert 60 < min(counts.values()) <= max(counts.values()) < 140


@examples(40)
@given(TARGETS, RULES, st.data())
def test_cells_chosen_before_stay_and_count(
    targets: list[Target], rule: TargetsConfig, data: st.DataObject
) -> None:
    kept = data.draw(st.sets(st.sampled_from([one.id for one in targets]))) if targets else set()
    chosen = select(targets, rule, kept).chosen
    assert kept <= chosen
    if rule.count is not None:
        assert len(chosen) <= max(rule.count, len(kept))


def test_ties_go_by_name_and_t9_comes_before_t10() -> None:
    targets = [Target(name, 7.0, 5.0, 1) for name in ("T10", "T9", "T11")]
    assert select(targets, TargetsConfig(choose="brightest", count=1)).chosen == {"T9"}


def test_limits_come_before_the_choice_and_give_their_reason() -> None:
    targets = [Target("T1", 90.0, 4.0, 5), Target("T2", 50.0, 9.0, 5), Target("T3", 10.0, 9.0, 5)]
    targets.append(Target("T4", 5.0, 9.0, 1))
    rule = TargetsConfig(choose="brightest", count=1, min_size_um=5, min_sections=2)
    assert select(targets, rule).left_out == {
        "T1": LeftOut.TOO_SMALL,
        "T3": LeftOut.NOT_AMONG_BRIGHTEST,
        "T4": LeftOut.TOO_SHORT,
    }


def test_a_cell_of_unknown_brightness_is_within_any_limit_of_brightness() -> None:
    rule = TargetsConfig(min_brightness_adu=5)
    assert select([Target("T1", None, 4.0, 5)], rule).chosen == {"T1"}


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (TargetsConfig(choose="tracks", tracks=("T0007", "T0001")), "there is no track T0007"),
        (TargetsConfig(min_size_um=50), "no cell is chosen by this rule; the 1 cells are 4.0 to 4.0 um"),
        (TargetsConfig(choose="brightest", count=2), "the brightness of no cell is known"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(rule: TargetsConfig, says: str) -> None:
    with pytest.raises(InputError, match=says):
        check_possible([Target("T0001", None, 4.0, 5)], rule)


@pytest.mark.parametrize(
    "values",
    [
        {"choose": "brightest"},
        {"count": 3},
        {"choose": "tracks"},
        {"tracks": ["T0001"]},
        {"choose": "sample", "count": 0},
        {"min_size_um": 5, "max_size_um": 4},
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TargetsConfig.model_validate(values)
