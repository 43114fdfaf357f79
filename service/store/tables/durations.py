"""Where a session's time goes: how long its steps took, what its plans come to, and what is left to do."""

import math
from collections.abc import Sequence
from dataclasses import astuple

from planner.cost import Work
from service.model.jobs import JobState
from service.model.work import Step, Way
from service.store.database import Database

LATEST = 200
"""Samples of a step that are looked at: a machine that has become slower is noticed within a few hours."""

_LEFT = (JobState.QUEUED, JobState.HELD, JobState.ARMED)


class Durations:
    """Times and totals of one session; they survive a restart."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, step: Step, took_s: float) -> None:
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

    def add_plan(self, section: str, ways: Sequence[Way]) -> None:
        """Keep what the plan of a section comes to, and what other ways to image it would."""
        with self._database.change() as connection:
            for way in ways:
                connection.execute(
                    "INSERT INTO way (section, method, chosen, exposed_m2, frames, stage_moves, beam_s,"
                    " travel_m, pixels) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (section, way.method, way.chosen, way.exposed_m2, *astuple(way.work)),
                )

    def ways(self) -> tuple[Way, ...]:
        """Sums over all planned sections, the chosen way first."""
        found = self._database.all(
            "SELECT method, MAX(chosen) AS chosen, SUM(exposed_m2) AS exposed_m2, SUM(frames) AS frames,"
            " SUM(stage_moves) AS stage_moves, SUM(beam_s) AS beam_s, SUM(travel_m) AS travel_m,"
            " SUM(pixels) AS pixels, SUM(frames > 0) AS sections"
            " FROM way GROUP BY method ORDER BY MAX(chosen) DESC, SUM(beam_s)"
        )
        return tuple(
            Way(
                method=row["method"],
                chosen=bool(row["chosen"]),
                work=Work(row["frames"], row["stage_moves"], row["beam_s"], row["travel_m"], row["pixels"]),
                exposed_m2=row["exposed_m2"],
                sections=row["sections"],
            )
            for row in found
        )

    def planned_fields(self) -> int:
        """Return the number of fields of the sections that are planned."""
        row = self._database.one(
            "SELECT COUNT(*) FROM field WHERE section IN (SELECT DISTINCT section FROM way)"
        )
        return 0 if row is None else int(row[0])

    def to_focus(self) -> tuple[int, int]:
        """Sections that the beam is still to be focused on, and how many of them have a job for that.

        Whether a section that is not planned will have frames nobody knows: it counts.
        """
        live = ", ".join(f"'{state.value}'" for state in _LEFT)
        row = self._database.one(
            "SELECT COUNT(*), COALESCE(SUM(EXISTS ("
            f" SELECT 1 FROM job WHERE job.section = section.id AND kind = 'focus' AND state IN ({live})"
            ")), 0) FROM section WHERE NOT EXISTS ("
            " SELECT 1 FROM focus WHERE beam = 'electron' AND focus.section = section.id"
            f") AND (EXISTS (SELECT 1 FROM job WHERE job.section = section.id AND state IN ({live}))"
            " OR EXISTS (SELECT 1 FROM field WHERE field.section = section.id"
            " AND state IN ('pending', 'saved', 'detected')))"
        )
        return (0, 0) if row is None else (row[0], row[1])

    def to_focus_light(self) -> int:
        """Sections that the light is still to be focused on."""
        row = self._database.one(
            "SELECT COUNT(DISTINCT section) FROM field WHERE state = 'pending' AND NOT EXISTS (SELECT 1"
            " FROM focus WHERE beam = 'light' AND focus.section = field.section AND focus.state <> 'begun')"
        )
        return 0 if row is None else int(row[0])

    def left(self) -> Work:
        """Return what the jobs that are queued, held or under the beam add up to.

        Their moves and their way are those of as many frames of the plans. It is asked for with every status
        while a queue of 100,000 frames is worked on: triggers keep the sums.
        """
        marks = ", ".join("?" for _ in _LEFT)
        row = self._database.one(
            "SELECT COALESCE(SUM(n), 0) AS frames, COALESCE(SUM(pixels), 0) AS pixels,"
            f" TOTAL(beam_s) AS beam_s FROM job_count WHERE state IN ({marks})",
            tuple(state.value for state in _LEFT),
        )
        assert row is not None
        frames = int(row["frames"])
        whole = next((way.work for way in self.ways() if way.chosen), Work())
        part = frames / whole.frames if whole.frames else 0.0
        # Without a plan (jobs of a person) each frame is a move.
        moves = math.ceil(part * whole.stage_moves) if whole.frames else frames
        # What was added and taken away again may leave a rounding error.
        return Work(
            frames, moves, max(0.0, row["beam_s"]) if frames else 0.0, part * whole.travel_m, row["pixels"]
        )
