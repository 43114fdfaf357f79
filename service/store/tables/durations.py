"""Durations of steps, totals of plans, and the work that is left."""

import math
from collections.abc import Sequence
from dataclasses import astuple

from planner.cost import Work
from service.model.jobs import JobState
from service.model.work import Step, Way
from service.store.database import Database

LATEST = 200
"""Samples per step: a microscope that becomes slower shows within a few hours."""

_LEFT = (JobState.QUEUED, JobState.HELD, JobState.ARMED)


class Durations:
    """Times and totals of one session; they survive a restart."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, step: Step, duration_s: float) -> None:
        """Store the duration of a step, s; negative values count as zero."""
        with self._database.change() as connection:
            connection.execute(
                "INSERT INTO duration (step, took_s) VALUES (?, ?)", (step.value, max(0.0, duration_s))
            )

    def latest(self, step: Step) -> tuple[float, ...]:
        """Return the latest samples of a step, s, the newest first."""
        found = self._database.all(
            "SELECT took_s FROM duration WHERE step = ? ORDER BY id DESC LIMIT ?", (step.value, LATEST)
        )
        return tuple(row["took_s"] for row in found)

    def add_plan(self, section: str, ways: Sequence[Way]) -> None:
        """Store the totals of the plan of a section, and of the other ways to image it."""
        with self._database.change() as connection:
            for way in ways:
                connection.execute(
                    "INSERT INTO way (section, method, chosen, exposed_m2, frames, stage_moves, beam_s,"
                    " travel_m, pixels) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (section, way.method, way.chosen, way.exposed_m2, *astuple(way.work)),
                )

    def ways(self) -> tuple[Way, ...]:
        """Return sums over all planned sections, the chosen way first."""
        found = self._database.all(
            "SELECT method, MAX(chosen) AS chosen, SUM(exposed_m2) AS exposed_m2, SUM(frames) AS frames,"
            " SUM(stage_moves) AS stage_moves, SUM(beam_s) AS beam_s, SUM(travel_m) AS travel_m,"
            " SUM(pixels) AS pixels, SUM(frames > 0) AS sections,"
            " SUM(EXISTS (SELECT 1 FROM way AS full WHERE full.section = way.section"
            " AND full.method = 'raster' AND way.method != 'raster' AND way.frames > 0"
            " AND full.frames = way.frames AND full.pixels = way.pixels)) AS raster_sections"
            " FROM way GROUP BY method ORDER BY MAX(chosen) DESC, SUM(beam_s)"
        )
        return tuple(
            Way(
                method=row["method"],
                chosen=bool(row["chosen"]),
                work=Work(row["frames"], row["stage_moves"], row["beam_s"], row["travel_m"], row["pixels"]),
                exposed_m2=row["exposed_m2"],
                sections=row["sections"],
                raster_sections=row["raster_sections"],
            )
            for row in found
        )

    def of_method(self, method: str) -> dict[str, Work]:
        """Return the work of each planned section, by section, if it is imaged in one way."""
        found = self._database.all(
            "SELECT section, frames, stage_moves, beam_s, travel_m, pixels FROM way WHERE method = ?",
            (method,),
        )
        return {row["section"]: Work(*tuple(row)[1:]) for row in found}

    def of_plans(self) -> dict[str, Work]:
        """Return the work of each planned section, by section, in the way in which it is imaged."""
        found = self._database.all(
            "SELECT section, frames, stage_moves, beam_s, travel_m, pixels FROM way WHERE chosen"
        )
        return {row["section"]: Work(*tuple(row)[1:]) for row in found}

    def planned_fields(self) -> int:
        """Return the number of fields of planned sections."""
        row = self._database.one(
            "SELECT COUNT(*) FROM field WHERE section IN (SELECT DISTINCT section FROM way)"
        )
        return 0 if row is None else int(row[0])

    def to_focus(self) -> tuple[int, int]:
        """Return the number of sections that still need a focus of the beam, and of those with a job for it.

        A section that is not planned counts, as it may get frames.
        """
        live = ", ".join(f"'{state.value}'" for state in _LEFT)
        # Every status asks for it. SQLite would take the index of sections and look at each frame of them.
        row = self._database.one(
            "SELECT COUNT(*), COALESCE(SUM(EXISTS ("
            " SELECT 1 FROM job INDEXED BY job_of_kind"
            f" WHERE job.section = section.id AND kind = 'focus' AND state IN ({live})"
            ")), 0) FROM section WHERE NOT EXISTS ("
            " SELECT 1 FROM focus WHERE beam = 'electron' AND focus.section = section.id"
            f") AND (EXISTS (SELECT 1 FROM job WHERE job.section = section.id AND state IN ({live}))"
            " OR EXISTS (SELECT 1 FROM field WHERE field.section = section.id"
            " AND state IN ('pending', 'saved', 'detected')))"
        )
        return (0, 0) if row is None else (row[0], row[1])

    def to_focus_light(self) -> int:
        """Return the number of sections that still need a focus of the light."""
        row = self._database.one(
            "SELECT COUNT(DISTINCT section) FROM field WHERE state = 'pending' AND NOT EXISTS (SELECT 1"
            " FROM focus WHERE beam = 'light' AND focus.section = field.section AND focus.state <> 'begun')"
        )
        return 0 if row is None else int(row[0])

    def left(self) -> Work:
        """Return the work of all jobs that are queued, held or under the beam.

        Moves and travel are those of as many frames of the plans. Every status asks for it, with queues of
        100,000 frames: triggers keep the sums.
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
        # Without a plan (added jobs only) each frame is a move.
        moves = math.ceil(part * whole.stage_moves) if whole.frames else frames
        # Sums may keep a rounding error.
        return Work(
            frames, moves, max(0.0, row["beam_s"]) if frames else 0.0, part * whole.travel_m, row["pixels"]
        )
