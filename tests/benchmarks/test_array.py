"""The big dry run: its kills, its faults, and how its figures are made of what its processes left."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.array import design
from benchmarks.array.design import Kill
from benchmarks.array.figures import cumulated_cpu_s, progress_cpu
from benchmarks.array.lives import is_due
from benchmarks.array.microscope import CoarseStain, Faults
from benchmarks.array.samples import Sample
from benchmarks.array.sizes import rows, size_of
from simulators.specimen.grid import Grid
from simulators.specimen.specimen import SimulatedSpecimen

SAMPLE = Sample(0, "electron", 0.0, 0.0, 100.0, 0.0, 8, 8, 8, 0, 100, 0)


def test_kills_come_in_order_and_leave_the_second_half_alone() -> None:
    kills = design.kills()
    assert Counter(kill.step for kill in kills) == {"fluorescence": 4, "electron": 6}
    assert [kill.step for kill in kills] == sorted((kill.step for kill in kills), reverse=True)
    for step in ("fluorescence", "electron"):
        shares = [kill.share for kill in kills if kill.step == step]
        assert shares == sorted(shares)
    assert max(kill.share for kill in kills if kill.step == "electron") < 0.5


def test_a_kill_among_the_electron_images_waits_until_all_is_planned() -> None:
    kill = Kill("electron", 0.2, 0.0)
    assert not is_due(kill, replace(SAMPLE, jobs_done=19, jobs_open=81))
    assert is_due(kill, replace(SAMPLE, jobs_done=20, jobs_open=80))
    assert not is_due(kill, replace(SAMPLE, jobs_done=20, jobs_open=80, planned=7))
    assert is_due(Kill("fluorescence", 0.5, 0.0), replace(SAMPLE, fields_done=4, planned=0))


def test_one_call_in_two_hundred_goes_wrong_and_each_kind_as_often() -> None:
    noted = Counter[str]()
    faults = Faults(1 / 200, (1,), lambda kind: noted.update([kind]))
    found = [faults.drawn(("a", "b")) for _ in range(200_000)]
    assert Counter(kind for kind in found if kind) == noted
    # Distances are uniform from 1 to 399: their sum over 1000 faults is off by less than 8 %, five sigma.
    assert sum(noted.values()) == pytest.approx(1000, rel=0.09)
    assert noted["a"] == pytest.approx(500, rel=0.16)


def test_cpu_of_processes_adds_up_without_their_starts() -> None:
    lives = [(0, 3.0), (0, 5.0), (1, 2.5), (1, 4.5), (1, 5.0)]
    samples = [replace(SAMPLE, life=life, cpu_s=cpu_s) for life, cpu_s in lives]
    assert cumulated_cpu_s(samples).tolist() == [0, 2, 2, 4, 4.5]


def test_cpu_of_a_section_grows_where_later_ones_cost_more() -> None:
    done = list(range(0, 101, 5))
    steady = progress_cpu(np.linspace(10, 60, 21), done, sections=25)
    np.testing.assert_allclose(steady.y, 2.0)
    dearer = progress_cpu(np.linspace(0, 1, 21) ** 2 * 50, done, sections=25)
    assert dearer.y[-1] > 5 * dearer.y[0]
    # A process that is killed sees less done than the one before it.
    back = progress_cpu(np.array([0.0, 10, 20, 30, 40]), [0, 50, 40, 60, 100], sections=4)
    assert np.sum(back.y) * 4 / len(back.y) == pytest.approx(40)


def test_electron_images_show_the_same_specimen_with_fewer_details() -> None:
    specimen = SimulatedSpecimen(design.config(1))
    (place,) = specimen.sections.near(np.zeros(2), 1e6)
    center_um = specimen.truth(place.id)[0].points_m.mean(axis=0) * 1e6
    matrix = np.array([[0.05, 0.0, center_um[0] - 5], [0.0, -0.05, center_um[1] + 5]])
    grid = Grid(matrix, (203, 198))
    fine, coarse = specimen.stain(grid), CoarseStain(specimen).stain(grid)
    assert coarse.shape == fine.shape
    assert coarse.dtype == fine.dtype
    assert float(np.corrcoef(fine.ravel(), coarse.ravel())[0, 1]) > 0.6


def test_what_a_section_costs_is_told_by_its_steps() -> None:
    steps = [
        ("fluorescence", 2.0, 0, 0, 150.0),
        ("electron", 5.0, 9, 0, 160.0),
        ("electron", 6.0, 10, 0, 170.0),
        ("electron", 16.0, 10, 50, 180.0),
        ("done", 19.0, 10, 50, 400.0),
    ]
    samples = [
        replace(SAMPLE, phase=phase, cpu_s=cpu_s, fields=10, planned=planned, jobs_done=done, rss_mb=rss_mb)
        for phase, cpu_s, planned, done, rss_mb in steps
    ]
    size = size_of(10, samples, cpu_s=21.0, peak_mb=500.0, database_kb=70.0)
    assert (size.to_plan_s, size.images_s, size.end_s) == (0.4, 1.0, 0.5)
    assert (size.images_mb, size.peak_mb, size.database_kb) == (180, 500, 7)
    dearer = replace(size, sections=100, images_s=1.5)
    found = {row.what: row.reached for row in rows([size, dearer])}
    assert found["CPU of a section, 100 sections over 10"] is False
    assert found["memory before the summary, 100 sections over 10"] is True
