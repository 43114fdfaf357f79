"""Where a session's time goes: how long its steps took, what its plans come to, and what is left to do."""

import math
from collections.abc import Sequence
from dataclasses import astuple

from planner.estimate import Work
from service.records import JobState, Step, WayTotals
from service.store.database import Database

LATEST = 200
"""Samples of a step that are looked at: a machine that has become slower is noticed within a few hours."""

_LEFT = (JobState.QUEUED, JobState.HELD, JobState.ARMED)


class Accounts:
    """Times and totals of one session; they survive a restart."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def took(self, step: Step, took_s: float) -> None:
        """Keep how long a step took, s; below zero counts as zero."""
        with self._database.change() as connection:
            connection.execute(
                "INSERT INTO duration (step, took_s) VALUES (?, ?)", (step.value, max(0.0, took_s))
            )

    def latest(self, step: Step) -> tuple[float, ...]:
        """Return the latest samples of a step, s, the newest first."""
        found = self._database.all(
            "SELECT took_s FROM duration WHERE step = ? ORDER BY id DESC LIMIT ?", (step.value, LATEST)
        )
        return tuple(row["took_s"] for row in found)

    def add_plan(self, section: str, ways: Sequence[WayTotals]) -> None:
        """Keep what the plan of a section comes to, and what other ways to image it would."""
        with self._database.change() as connection:
            for way in ways:
                connection.execute(
                    "INSERT INTO way (section, method, chosen, exposed_m2, frames, stage_moves, beam_s,"
                    " travel_m, pixels) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (section, way.method, way.chosen, way.exposed_m2, *astuple(way.work)),
                )

    def ways(self) -> tuple[WayTotals, ...]:
        """Sums over all planned sections, the chosen way first."""
        found = self._database.all(
            "SELECT method, MAX(chosen) AS chosen, SUM(exposed_m2) AS exposed_m2, SUM(frames) AS frames,"
            " SUM(stage_moves) AS stage_moves, SUM(beam_s) AS beam_s, SUM(travel_m) AS travel_m,"
            " SUM(pixels) AS pixels FROM way GROUP BY method ORDER BY MAX(chosen) DESC, SUM(beam_s)"
        )
        return tuple(
            WayTotals(
                method=row["method"],
                chosen=bool(row["chosen"]),
                work=Work(row["frames"], row["stage_moves"], row["beam_s"], row["travel_m"], row["pixels"]),
                exposed_m2=row["exposed_m2"],
            )
            for row in found
        )

    def planned_fields(self) -> int:
        """Return the number of fields of the sections that are planned."""
        row = self._database.one(
            "SELECT COUNT(*) FROM field WHERE section IN (SELECT DISTINCT section FROM way)"
        )
        return 0 if row is None else int(row[0])

    def left(self) -> Work:
        """Return what the jobs that are queued, held or under the beam add up to.

        Their moves and their way are those of as many frames of the plans. One light query: it is asked for
        with every status while a queue of 100,000 frames is worked on.
        """
        marks = ", ".join("?" for _ in _LEFT)
        row = self._database.one(
            "SELECT COUNT(*) AS frames, TOTAL(width_px * height_px * dwell_s) AS beam_s,"
            f" COALESCE(SUM(width_px * height_px), 0) AS pixels FROM job WHERE state IN ({marks})",
            tuple(state.value for state in _LEFT),
        )
        assert row is not None
        frames = int(row["frames"])
        whole = next((way.work for way in self.ways() if way.chosen), Work())
        part = frames / whole.frames if whole.frames else 0.0
        # Without a plan (jobs of a person) each frame is a move.
        moves = math.ceil(part * whole.stage_moves) if whole.frames else frames
        return Work(frames, moves, row["beam_s"], part * whole.travel_m, row["pixels"])
