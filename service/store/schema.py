"""Tables of the session's database.

Rectangles are columns so that SQLite can compare them; other tuples are JSON. Constraints hold whatever the
program does: one open exposure at a time, no job done without its image, no rewriting of history.
"""

APPLICATION_ID = 0x696C656D
"""``ilem`` in ASCII: marks the databases of this program."""

VERSION = 9
"""Stored in ``user_version``; older stores are migrated (`service.store.migrations`), newer ones refused."""

_RECT = "x0_m REAL NOT NULL, y0_m REAL NOT NULL, x1_m REAL NOT NULL, y1_m REAL NOT NULL"

_RECT_ORDER = "CONSTRAINT rect_m_has_x0_below_x1_and_y0_below_y1 CHECK (x0_m < x1_m AND y0_m < y1_m)"

STATEMENTS = (
    """
    CREATE TABLE run (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        run_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        config_yaml TEXT NOT NULL,
        phase TEXT NOT NULL,
        resume_to TEXT,
        reason TEXT,
        rev INTEGER NOT NULL,
        pause_cause TEXT CHECK (pause_cause IS NULL OR phase = 'paused')
    ) STRICT
    """,
    """
    CREATE TABLE section (
        id TEXT PRIMARY KEY,
        idx INTEGER NOT NULL UNIQUE,
        x_m REAL NOT NULL,
        y_m REAL NOT NULL,
        visit INTEGER NOT NULL DEFAULT 0,
        outline_m TEXT
    ) STRICT
    """,
    f"""
    CREATE TABLE field (
        id TEXT PRIMARY KEY,
        section TEXT NOT NULL REFERENCES section (id),
        idx INTEGER NOT NULL,
        x_m REAL NOT NULL,
        y_m REAL NOT NULL,
        {_RECT},
        state TEXT NOT NULL,
        reason TEXT,
        image TEXT,
        sha256 TEXT,
        elapsed_ms REAL,
        warnings TEXT NOT NULL,
        frame TEXT,
        UNIQUE (section, idx),
        {_RECT_ORDER},
        CONSTRAINT a_saved_field_has_an_image
            CHECK (state NOT IN ('saved', 'detected', 'planned') OR (image || sha256) IS NOT NULL),
        CONSTRAINT a_failed_field_has_a_reason CHECK (state <> 'failed' OR reason IS NOT NULL)
    ) STRICT
    """,
    "CREATE INDEX field_by_state ON field (state)",
    "CREATE INDEX field_by_ground ON field (x0_m, x1_m, y0_m, y1_m)",
    "CREATE INDEX field_by_width ON field (x1_m - x0_m)",
    """
    CREATE TABLE cell (
        id TEXT PRIMARY KEY,
        field TEXT NOT NULL REFERENCES field (id),
        section TEXT NOT NULL REFERENCES section (id),
        box_px TEXT NOT NULL,
        image_box_px TEXT,
        rect_m TEXT NOT NULL,
        image_rect_m TEXT,
        confidence REAL NOT NULL,
        reason TEXT NOT NULL,
        skipped TEXT,
        tracks TEXT NOT NULL DEFAULT '[]',
        seen INTEGER NOT NULL DEFAULT 1 CHECK (seen IN (0, 1)),
        source TEXT NOT NULL DEFAULT 'frame',
        decision TEXT NOT NULL DEFAULT 'kept',
        brightness_adu REAL,
        left_out TEXT,
        beside TEXT CHECK (beside IS NULL OR left_out IS NOT NULL),
        reach_um TEXT,
        extra_um REAL NOT NULL DEFAULT 0,
        verdict TEXT
    ) STRICT
    """,
    "CREATE INDEX cell_by_field ON cell (field)",
    "CREATE INDEX cell_by_section ON cell (section)",
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
    """
    CREATE TABLE choice (
        id INTEGER PRIMARY KEY,
        rule TEXT NOT NULL,
        made_by TEXT NOT NULL,
        reason TEXT NOT NULL,
        at TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE track (
        id TEXT PRIMARY KEY,
        first_section TEXT NOT NULL REFERENCES section (id),
        last_section TEXT NOT NULL REFERENCES section (id),
        central_section TEXT NOT NULL REFERENCES section (id),
        sections INTEGER NOT NULL CHECK (sections > 0)
    ) STRICT
    """,
    f"""
    CREATE TABLE job (
        id TEXT PRIMARY KEY,
        section TEXT NOT NULL REFERENCES section (id),
        position INTEGER NOT NULL UNIQUE,
        {_RECT},
        x_m REAL NOT NULL,
        y_m REAL NOT NULL,
        width_px INTEGER NOT NULL CHECK (width_px > 0),
        height_px INTEGER NOT NULL CHECK (height_px > 0),
        pixel_size_m REAL NOT NULL CHECK (pixel_size_m > 0),
        dwell_s REAL NOT NULL CHECK (dwell_s > 0),
        state TEXT NOT NULL,
        reason TEXT,
        image TEXT,
        sha256 TEXT,
        shift_x_m REAL NOT NULL DEFAULT 0,
        shift_y_m REAL NOT NULL DEFAULT 0,
        kind TEXT NOT NULL DEFAULT 'frame' CHECK (kind IN ('frame', 'focus', 'overview')),
        origin TEXT NOT NULL DEFAULT 'plan' CHECK (origin IN ('plan', 'person')),
        hold_cause TEXT CHECK (hold_cause IS NULL OR state = 'held'),
        retake_of INTEGER REFERENCES exposure (id) CHECK (retake_of IS NULL OR image IS NOT NULL),
        {_RECT_ORDER},
        CONSTRAINT a_finished_job_has_an_image_and_its_checksum
            CHECK (state NOT IN ('saved', 'done') OR (image IS NOT NULL AND sha256 IS NOT NULL)),
        CONSTRAINT a_job_that_is_not_done_has_a_reason
            CHECK (state NOT IN ('skipped', 'failed', 'needs_review') OR reason IS NOT NULL)
    ) STRICT
    """,
    "CREATE INDEX job_by_state ON job (state, position)",
    "CREATE INDEX job_by_section ON job (section, state, position)",
    "CREATE INDEX job_by_place ON job (section, position)",
    "CREATE INDEX job_by_ground ON job (x0_m, x1_m, y0_m, y1_m)",
    "CREATE INDEX job_by_width ON job (x1_m - x0_m)",
    """
    CREATE TABLE job_count (
        state TEXT PRIMARY KEY, n INTEGER NOT NULL, pixels INTEGER NOT NULL, beam_s REAL NOT NULL
    ) STRICT, WITHOUT ROWID
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
    """
    CREATE TRIGGER a_held_job_has_a_cause BEFORE UPDATE OF state ON job
    WHEN NEW.state = 'held' AND NEW.hold_cause IS NULL
    BEGIN SELECT RAISE(ABORT, 'a held job has a cause'); END
    """,
    """
    CREATE TABLE cover (
        job TEXT NOT NULL REFERENCES job (id),
        n INTEGER NOT NULL,
        cell TEXT NOT NULL REFERENCES cell (id),
        PRIMARY KEY (job, n),
        UNIQUE (cell, job)
    ) STRICT, WITHOUT ROWID
    """,
    f"""
    CREATE TABLE exposure (
        id INTEGER PRIMARY KEY,
        job TEXT NOT NULL REFERENCES job (id),
        {_RECT},
        halo_m REAL NOT NULL CHECK (halo_m >= 0),
        state TEXT NOT NULL,
        opened_s REAL NOT NULL,
        closed_s REAL,
        note TEXT,
        beam_s REAL CHECK (beam_s >= 0),
        retake_of INTEGER REFERENCES exposure (id),
        {_RECT_ORDER}
    ) STRICT
    """,
    "CREATE UNIQUE INDEX one_open_exposure ON exposure (state) WHERE state = 'open'",
    "CREATE INDEX exposure_by_job ON exposure (job)",
    "CREATE INDEX exposure_by_ground ON exposure (x0_m - halo_m)",
    "CREATE INDEX exposure_by_width ON exposure (x1_m - x0_m + 2 * halo_m)",
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
    """
    CREATE TABLE duration (
        id INTEGER PRIMARY KEY,
        step TEXT NOT NULL,
        took_s REAL NOT NULL CHECK (took_s >= 0)
    ) STRICT
    """,
    "CREATE INDEX duration_by_step ON duration (step)",
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
    """
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY,
        time_s REAL NOT NULL,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        data TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX event_of_job ON event (subject, seq) WHERE kind = 'job'",
    """
    CREATE TABLE reply (
        request_id TEXT PRIMARY KEY,
        method TEXT NOT NULL,
        params TEXT NOT NULL,
        result TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON event
    BEGIN SELECT RAISE(ABORT, 'events are never changed'); END
    """,
    """
    CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END
    """,
    """
    CREATE TRIGGER exposures_are_never_deleted BEFORE DELETE ON exposure
    BEGIN SELECT RAISE(ABORT, 'exposures are never deleted'); END
    """,
    """
    CREATE TRIGGER exposures_are_closed_once BEFORE UPDATE ON exposure WHEN OLD.state <> 'open'
    BEGIN SELECT RAISE(ABORT, 'an exposure that is not open is never changed'); END
    """,
)
