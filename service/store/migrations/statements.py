"""Statements that lead from each version of the store to the next; released ones are never changed."""

from collections.abc import Mapping
from types import MappingProxyType

MIGRATIONS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        # Counts of jobs that cost nothing to read, pages of one section, and the history of a job.
        1: (
            """
            CREATE TABLE job_count (
                state TEXT PRIMARY KEY, n INTEGER NOT NULL, pixels INTEGER NOT NULL, beam_s REAL NOT NULL
            ) STRICT, WITHOUT ROWID
            """,
            """
            INSERT INTO job_count SELECT state, COUNT(*), SUM(width_px * height_px),
                SUM(width_px * height_px * dwell_s) FROM job GROUP BY state
            """,
            """
            CREATE TRIGGER a_new_job_is_counted AFTER INSERT ON job
            BEGIN
                INSERT INTO job_count VALUES (
                    NEW.state, 1, NEW.width_px * NEW.height_px, NEW.width_px * NEW.height_px * NEW.dwell_s
                ) ON CONFLICT (state) DO UPDATE
                SET n = n + 1, pixels = pixels + excluded.pixels, beam_s = beam_s + excluded.beam_s;
            END
            """,
            """
            CREATE TRIGGER a_job_is_counted_in_its_new_state AFTER UPDATE OF state ON job
            WHEN OLD.state <> NEW.state
            BEGIN
                UPDATE job_count SET n = n - 1, pixels = pixels - OLD.width_px * OLD.height_px,
                    beam_s = beam_s - OLD.width_px * OLD.height_px * OLD.dwell_s WHERE state = OLD.state;
                INSERT INTO job_count VALUES (
                    NEW.state, 1, NEW.width_px * NEW.height_px, NEW.width_px * NEW.height_px * NEW.dwell_s
                ) ON CONFLICT (state) DO UPDATE
                SET n = n + 1, pixels = pixels + excluded.pixels, beam_s = beam_s + excluded.beam_s;
            END
            """,
            """
            CREATE TRIGGER jobs_are_never_deleted BEFORE DELETE ON job
            BEGIN SELECT RAISE(ABORT, 'jobs are never deleted'); END
            """,
            "CREATE INDEX job_by_place ON job (section, position)",
            "CREATE INDEX event_of_job ON event (subject, seq) WHERE kind = 'job'",
            # Tracks through sections, the order of visits, outlines, beam shifts, times and ways.
            "ALTER TABLE section ADD COLUMN visit INTEGER NOT NULL DEFAULT 0",
            "UPDATE section SET visit = idx",
            "ALTER TABLE section ADD COLUMN outline_m TEXT",
            "ALTER TABLE cell ADD COLUMN tracks TEXT NOT NULL DEFAULT '[]'",
            "ALTER TABLE cell ADD COLUMN seen INTEGER NOT NULL DEFAULT 1 CHECK (seen IN (0, 1))",
            "ALTER TABLE job ADD COLUMN shift_x_m REAL NOT NULL DEFAULT 0",
            "ALTER TABLE job ADD COLUMN shift_y_m REAL NOT NULL DEFAULT 0",
            """
            CREATE TABLE track (
                id TEXT PRIMARY KEY,
                first_section TEXT NOT NULL REFERENCES section (id),
                last_section TEXT NOT NULL REFERENCES section (id),
                central_section TEXT NOT NULL REFERENCES section (id),
                sections INTEGER NOT NULL CHECK (sections > 0)
            ) STRICT
            """,
            """
            CREATE TABLE duration (
                id INTEGER PRIMARY KEY,
                step TEXT NOT NULL,
                took_s REAL NOT NULL CHECK (took_s >= 0)
            ) STRICT
            """,
            """
            CREATE TABLE way (
                section TEXT NOT NULL REFERENCES section (id),
                method TEXT NOT NULL,
                chosen INTEGER NOT NULL,
                frames INTEGER NOT NULL,
                stage_moves INTEGER NOT NULL,
                beam_s REAL NOT NULL,
                travel_m REAL NOT NULL,
                pixels INTEGER NOT NULL,
                exposed_m2 REAL NOT NULL,
                PRIMARY KEY (section, method)
            ) STRICT
            """,
            "CREATE INDEX duration_by_step ON duration (step)",
        ),
        # Focuses, jobs that begin with one, and time under the beam.
        2: (
            "ALTER TABLE job ADD COLUMN kind TEXT NOT NULL DEFAULT 'frame'"
            " CHECK (kind IN ('frame', 'focus'))",
            "ALTER TABLE exposure ADD COLUMN beam_s REAL CHECK (beam_s >= 0)",
            """
            CREATE TABLE focus (
                id INTEGER PRIMARY KEY,
                beam TEXT NOT NULL CHECK (beam IN ('electron', 'light')),
                section TEXT NOT NULL REFERENCES section (id),
                job TEXT REFERENCES job (id),
                x_m REAL NOT NULL,
                y_m REAL NOT NULL,
                start_m REAL,
                found_m REAL,
                score REAL,
                used_m REAL,
                state TEXT NOT NULL,
                exposures INTEGER NOT NULL DEFAULT 0,
                exposed_s REAL NOT NULL DEFAULT 0,
                reason TEXT,
                CONSTRAINT a_focus_that_was_found_has_a_height
                    CHECK (state NOT IN ('used', 'outlier') OR (found_m IS NOT NULL AND used_m IS NOT NULL))
            ) STRICT
            """,
            "CREATE INDEX focus_of_section ON focus (beam, section)",
            "CREATE INDEX job_of_kind ON job (section) WHERE kind = 'focus'",
            # Version 2 had the result in events only; no other job was without cells and without a reason.
            """
            UPDATE job SET kind = 'focus' WHERE id IN (
                SELECT json_extract(data, '$.job') FROM event WHERE kind = 'focus'
            ) OR (
                state = 'queued' AND reason IS NULL AND width_px = 256 AND height_px = 256
                AND NOT EXISTS (SELECT 1 FROM cover WHERE cover.job = job.id)
            )
            """,
            """
            INSERT INTO focus (beam, section, job, x_m, y_m, found_m, used_m, state)
                SELECT 'electron', job.section, job.id, job.x_m, job.y_m, json_extract(data, '$.found_m'),
                    json_extract(data, '$.used_m'), CASE WHEN json_extract(data, '$.found_m')
                    = json_extract(data, '$.used_m') THEN 'used' ELSE 'outlier' END
                FROM event JOIN job ON job.id = json_extract(data, '$.job')
                WHERE event.kind = 'focus' AND json_extract(data, '$.found_m') IS NOT NULL ORDER BY seq
            """,
        ),
        # Causes, origins, sources and decisions as values. Version 3 had them in sentences only, and this is
        # the one place where such a sentence is read.
        3: (
            "ALTER TABLE run ADD COLUMN pause_cause TEXT CHECK (pause_cause IS NULL OR phase = 'paused')",
            """
            UPDATE run SET pause_cause = CASE
                WHEN reason = 'asked by a person' THEN 'person'
                WHEN reason = 'the program was started again' THEN 'restart'
                WHEN reason LIKE 'low disk: %' THEN 'disk'
                WHEN reason LIKE 'the image of % cannot be saved%' THEN 'image_not_saved'
                WHEN reason LIKE 'the frame of % cannot be saved: %' THEN 'image_not_saved'
                WHEN reason LIKE 'all else is done, % jobs wait for a person: %' THEN 'undecided_jobs'
                WHEN reason LIKE 'all else is done, detection failed in %' THEN 'undetected_fields'
                ELSE 'fault_acknowledged' END WHERE phase = 'paused'
            """,
            "ALTER TABLE job ADD COLUMN origin TEXT NOT NULL DEFAULT 'plan'"
            " CHECK (origin IN ('plan', 'person'))",
            # The event names the first and the last of the jobs, which are numbered one after the other.
            """
            UPDATE job SET origin = 'person' WHERE EXISTS (
                SELECT 1 FROM event WHERE event.kind = 'queue_add'
                AND CAST(SUBSTR(job.id, 2) AS INTEGER) BETWEEN CAST(SUBSTR(event.subject, 2) AS INTEGER)
                AND CAST(SUBSTR(json_extract(event.data, '$.last'), 2) AS INTEGER)
            )
            """,
            "ALTER TABLE job ADD COLUMN hold_cause TEXT CHECK (hold_cause IS NULL OR state = 'held')",
            """
            UPDATE job SET hold_cause = CASE
                WHEN reason LIKE 'waits for the fluorescence of %' THEN 'fluorescence'
                ELSE 'person' END WHERE state = 'held'
            """,
            """
            CREATE TRIGGER a_held_job_has_a_cause BEFORE UPDATE OF state ON job
            WHEN NEW.state = 'held' AND NEW.hold_cause IS NULL
            BEGIN SELECT RAISE(ABORT, 'a held job has a cause'); END
            """,
            "ALTER TABLE cell ADD COLUMN source TEXT NOT NULL DEFAULT 'frame'",
            "ALTER TABLE cell ADD COLUMN decision TEXT NOT NULL DEFAULT 'kept'",
            """
            UPDATE cell SET source = CASE
                WHEN seen = 0 THEN 'carried'
                WHEN reason LIKE '%kept: seen with its neighbours%' THEN 'averaged'
                ELSE 'frame' END
            """,
            """
            UPDATE cell SET decision = CASE
                WHEN reason LIKE '%kept: doubtful%' THEN 'doubtful'
                WHEN reason LIKE '%not imaged: confidence %' THEN 'below_floor'
                WHEN reason LIKE '%not imaged: fixed in the camera%' THEN 'fixed_pattern'
                WHEN reason LIKE '%not imaged: little more than noise%' THEN 'noise'
                ELSE 'kept' END
            """,
        ),
        # Brightness of cells, and the choice of those to image.
        4: (
            "ALTER TABLE cell ADD COLUMN brightness_adu REAL",
            "ALTER TABLE cell ADD COLUMN left_out TEXT",
            "ALTER TABLE cell ADD COLUMN beside TEXT CHECK (beside IS NULL OR left_out IS NOT NULL)",
            """
            CREATE TABLE choice (
                id INTEGER PRIMARY KEY,
                rule TEXT NOT NULL,
                made_by TEXT NOT NULL,
                reason TEXT NOT NULL,
                at TEXT NOT NULL
            ) STRICT
            """,
        ),
        5: (
            # Overviews. A check is the one part of a table that SQLite cannot alter: its text is changed, as
            # https://www.sqlite.org/lang_altertable.html describes.
            "PRAGMA writable_schema = ON",
            """
            UPDATE sqlite_schema
            SET sql = REPLACE(sql, '(''frame'', ''focus'')', '(''frame'', ''focus'', ''overview'')')
            WHERE type = 'table' AND name = 'job'
            """,
            "PRAGMA writable_schema = RESET",
            """
            CREATE TABLE overview (
                id INTEGER PRIMARY KEY,
                section TEXT NOT NULL REFERENCES section (id),
                x_m REAL NOT NULL,
                y_m REAL NOT NULL,
                state TEXT NOT NULL,
                field TEXT REFERENCES field (id),
                job TEXT REFERENCES job (id),
                reason TEXT,
                place TEXT,
                proven_m REAL CHECK (proven_m > 0),
                CONSTRAINT an_overview_that_is_used_is_proven
                    CHECK (state NOT IN ('used', 'left') OR (place IS NOT NULL AND proven_m IS NOT NULL)),
                CONSTRAINT an_overview_that_is_not_used_has_a_reason
                    CHECK (state NOT IN ('not_proven', 'not_used') OR reason IS NOT NULL)
            ) STRICT
            """,
            "CREATE INDEX overview_of_section ON overview (section)",
            # Cells as a person edits them in the review, and what a preview of other margins needs.
            "ALTER TABLE field ADD COLUMN frame TEXT",
            "ALTER TABLE cell ADD COLUMN reach_um TEXT",
            "ALTER TABLE cell ADD COLUMN extra_um REAL NOT NULL DEFAULT 0",
            "ALTER TABLE cell ADD COLUMN verdict TEXT",
            """
            CREATE TABLE found (
                cell TEXT PRIMARY KEY REFERENCES cell (id),
                box_px TEXT NOT NULL,
                image_box_px TEXT,
                rect_m TEXT NOT NULL,
                image_rect_m TEXT,
                reason TEXT NOT NULL,
                decision TEXT NOT NULL
            ) STRICT
            """,
            """
            CREATE TABLE review_step (
                id INTEGER PRIMARY KEY,
                policy TEXT,
                made_by TEXT NOT NULL,
                reason TEXT NOT NULL,
                at TEXT NOT NULL,
                undone_by TEXT,
                undone_at TEXT CHECK ((undone_by IS NULL) = (undone_at IS NULL))
            ) STRICT
            """,
            """
            CREATE TABLE review_edit (
                id INTEGER PRIMARY KEY,
                step INTEGER NOT NULL REFERENCES review_step (id),
                kind TEXT NOT NULL,
                cell TEXT REFERENCES cell (id),
                box_px TEXT,
                rect_m TEXT,
                CONSTRAINT an_edit_is_of_a_cell_or_of_the_policy CHECK ((cell IS NULL) = (kind = 'policy')),
                CONSTRAINT a_box_that_is_drawn_has_a_place CHECK (
                    (kind IN ('draw', 'resize')) = (box_px IS NOT NULL)
                    AND (box_px IS NULL) = (rect_m IS NULL)
                )
            ) STRICT
            """,
            "CREATE INDEX review_edit_of_cell ON review_edit (cell)",
            "CREATE INDEX review_edit_of_step ON review_edit (step)",
        ),
        # Frames of plans that were made again were skipped, like those that a person skips. They cover no
        # cells any more, and their events name nobody. Frames whose fluorescence was never saved were held
        # when they were skipped, and nothing is planned after them.
        6: (
            """
            UPDATE job SET state = 'withdrawn'
            WHERE state = 'skipped' AND origin = 'plan'
            AND NOT EXISTS (SELECT 1 FROM cover WHERE cover.job = job.id)
            AND NOT EXISTS (SELECT 1 FROM exposure WHERE exposure.job = job.id)
            AND EXISTS (
                SELECT 1 FROM event AS last WHERE last.kind = 'job' AND last.subject = job.id
                AND json_extract(last.data, '$.to') = 'skipped' AND json_extract(last.data, '$.by') IS NULL
                AND (
                    json_extract(last.data, '$.from') = 'queued' OR EXISTS (
                        SELECT 1 FROM event AS later WHERE later.kind = 'queue'
                        AND later.subject = job.section AND later.seq > last.seq
                    )
                )
            )
            """,
        ),
        # Checks of electron images, and frames that are taken again by themselves.
        7: (
            "ALTER TABLE exposure ADD COLUMN retake_of INTEGER REFERENCES exposure (id)",
            """
            ALTER TABLE job ADD COLUMN retake_of INTEGER REFERENCES exposure (id)
            CHECK (retake_of IS NULL OR image IS NOT NULL)
            """,
            """
            CREATE UNIQUE INDEX an_exposure_is_retaken_once ON exposure (retake_of)
            WHERE retake_of IS NOT NULL AND state <> 'void'
            """,
            """
            CREATE TRIGGER only_a_complete_exposure_is_retaken BEFORE INSERT ON exposure
            WHEN NEW.retake_of IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM exposure WHERE id = NEW.retake_of AND job = NEW.job AND state = 'closed'
            )
            BEGIN SELECT RAISE(ABORT, 'only a complete exposure of the same job is retaken'); END
            """,
            """
            CREATE TABLE em_image (
                exposure INTEGER PRIMARY KEY REFERENCES exposure (id),
                job TEXT NOT NULL REFERENCES job (id),
                file TEXT NOT NULL,
                sha256 TEXT NOT NULL,
                checks TEXT NOT NULL,
                bad TEXT NOT NULL,
                noise REAL,
                sharpness REAL
            ) STRICT
            """,
            "CREATE INDEX em_image_of_job ON em_image (job)",
            "CREATE INDEX em_image_that_is_bad ON em_image (bad) WHERE bad <> '[]'",
            "CREATE INDEX job_that_is_retaken ON job (retake_of) WHERE retake_of IS NOT NULL",
        ),
        # What lies on some ground is found by an index.
        8: (
            "CREATE INDEX field_by_ground ON field (x0_m, x1_m, y0_m, y1_m)",
            "CREATE INDEX field_by_width ON field (x1_m - x0_m)",
            "CREATE INDEX job_by_ground ON job (x0_m, x1_m, y0_m, y1_m)",
            "CREATE INDEX job_by_width ON job (x1_m - x0_m)",
            "CREATE INDEX exposure_by_ground ON exposure (x0_m - halo_m)",
            "CREATE INDEX exposure_by_width ON exposure (x1_m - x0_m + 2 * halo_m)",
        ),
    }
)
"""Statements that lead from each version to the next."""
