PRAGMA application_id = 1768711533;
PRAGMA user_version = 8;
BEGIN TRANSACTION;
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
    ;
INSERT INTO "cell" VALUES('S0001/F000/c0001','S0001/F000','S0001','[1,2,30,40]','[0,1,31,41]','[1e-6,2e-6,0.000011,0.000012]','[0.0,1e-6,0.000012,0.000013]',0.9,'kept: confident',NULL,'[]',1,'frame','kept',NULL,NULL,NULL,NULL,0.0,NULL);
INSERT INTO "cell" VALUES('S0001/F000/c0002','S0001/F000','S0001','[1,2,30,40]','[0,1,31,41]','[1e-6,2e-6,0.000011,0.000012]','[0.0,1e-6,0.000012,0.000013]',0.9,'kept: confident',NULL,'[]',1,'frame','kept',NULL,NULL,NULL,NULL,0.0,NULL);
INSERT INTO "cell" VALUES('S0001/F000/c0003','S0001/F000','S0001','[1,2,30,40]','[0,1,31,41]','[1e-6,2e-6,0.000011,0.000012]','[0.0,1e-6,0.000012,0.000013]',0.9,'kept: confident',NULL,'[]',1,'frame','kept',NULL,NULL,NULL,NULL,0.0,NULL);
CREATE TABLE choice (
        id INTEGER PRIMARY KEY,
        rule TEXT NOT NULL,
        made_by TEXT NOT NULL,
        reason TEXT NOT NULL,
        at TEXT NOT NULL
    ) STRICT
    ;
CREATE TABLE cover (
        job TEXT NOT NULL REFERENCES job (id),
        n INTEGER NOT NULL,
        cell TEXT NOT NULL REFERENCES cell (id),
        PRIMARY KEY (job, n),
        UNIQUE (cell, job)
    ) STRICT, WITHOUT ROWID
    ;
INSERT INTO "cover" VALUES('J000001',0,'S0001/F000/c0001');
INSERT INTO "cover" VALUES('J000002',0,'S0001/F000/c0002');
INSERT INTO "cover" VALUES('J000003',0,'S0001/F000/c0003');
CREATE TABLE duration (
        id INTEGER PRIMARY KEY,
        step TEXT NOT NULL,
        took_s REAL NOT NULL CHECK (took_s >= 0)
    ) STRICT
    ;
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
    ;
INSERT INTO "em_image" VALUES(1,'J000001','em/S0001/J000001-1.ome.tiff','0000000000000000000000000000000000000000000000000000000000000000','[["dark",0.995,0.99,1],["focus",0.9,0.4,0]]','["dark"]',NULL,NULL);
INSERT INTO "em_image" VALUES(2,'J000001','em/S0001/J000001-2.ome.tiff','0000000000000000000000000000000000000000000000000000000000000000','[["focus",0.9,0.4,0]]','[]',NULL,NULL);
INSERT INTO "em_image" VALUES(3,'J000002','em/S0001/J000002-3.ome.tiff','0000000000000000000000000000000000000000000000000000000000000000','[["dark",0.995,0.99,1]]','["dark"]',NULL,NULL);
CREATE TABLE event (
        seq INTEGER PRIMARY KEY,
        time_s REAL NOT NULL,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        data TEXT NOT NULL
    ) STRICT
    ;
INSERT INTO "event" VALUES(1,0.0,'2026-08-01T12:00:00.000+00:00','layout','sections','{"sections":2,"fields":4}');
INSERT INTO "event" VALUES(2,0.0,'2026-08-01T12:00:00.000+00:00','field','S0001/F000','{"from":"pending","to":"saved","reason":null}');
INSERT INTO "event" VALUES(3,0.0,'2026-08-01T12:00:00.000+00:00','field','S0001/F000','{"from":"saved","to":"detected","reason":null,"cells":3}');
INSERT INTO "event" VALUES(4,0.0,'2026-08-01T12:00:00.000+00:00','field','S0001/F000','{"from":"detected","to":"planned","reason":null}');
INSERT INTO "event" VALUES(5,0.0,'2026-08-01T12:00:00.000+00:00','queue','S0001','{"jobs":3,"skipped_cells":0}');
INSERT INTO "event" VALUES(6,0.0,'2026-08-01T12:00:00.000+00:00','job','J000001','{"from":"queued","to":"armed","reason":null,"exposure":1}');
INSERT INTO "event" VALUES(7,0.0,'2026-08-01T12:00:00.000+00:00','job','J000001','{"from":"armed","to":"exposed","reason":null,"exposure":1}');
INSERT INTO "event" VALUES(8,0.0,'2026-08-01T12:00:00.000+00:00','image','J000001','{"exposure":1,"file":"em/S0001/J000001-1.ome.tiff","bad":{"dark":0.995}}');
INSERT INTO "event" VALUES(9,0.0,'2026-08-01T12:00:00.000+00:00','job','J000001','{"from":"exposed","to":"saved","reason":null}');
INSERT INTO "event" VALUES(10,0.0,'2026-08-01T12:00:00.000+00:00','job','J000001','{"from":"saved","to":"held","reason":"dark","exposure":1,"hold_cause":"retake"}');
INSERT INTO "event" VALUES(11,0.0,'2026-08-01T12:00:00.000+00:00','job','J000001','{"from":"held","to":"queued","reason":null}');
INSERT INTO "event" VALUES(12,0.0,'2026-08-01T12:00:00.000+00:00','job','J000001','{"from":"queued","to":"armed","reason":null,"exposure":2}');
INSERT INTO "event" VALUES(13,0.0,'2026-08-01T12:00:00.000+00:00','job','J000001','{"from":"armed","to":"exposed","reason":null,"exposure":2}');
INSERT INTO "event" VALUES(14,0.0,'2026-08-01T12:00:00.000+00:00','job','J000001','{"from":"exposed","to":"saved","reason":null}');
INSERT INTO "event" VALUES(15,0.0,'2026-08-01T12:00:00.000+00:00','job','J000002','{"from":"queued","to":"armed","reason":null,"exposure":3}');
INSERT INTO "event" VALUES(16,0.0,'2026-08-01T12:00:00.000+00:00','job','J000002','{"from":"armed","to":"exposed","reason":null,"exposure":3}');
INSERT INTO "event" VALUES(17,0.0,'2026-08-01T12:00:00.000+00:00','image','J000002','{"exposure":3,"file":"em/S0001/J000002-3.ome.tiff","bad":{"dark":0.995}}');
INSERT INTO "event" VALUES(18,0.0,'2026-08-01T12:00:00.000+00:00','job','J000002','{"from":"exposed","to":"saved","reason":null}');
INSERT INTO "event" VALUES(19,0.0,'2026-08-01T12:00:00.000+00:00','job','J000002','{"from":"saved","to":"held","reason":"dark","exposure":3,"hold_cause":"retake"}');
CREATE TABLE exposure (
        id INTEGER PRIMARY KEY,
        job TEXT NOT NULL REFERENCES job (id),
        x0_m REAL NOT NULL, y0_m REAL NOT NULL, x1_m REAL NOT NULL, y1_m REAL NOT NULL,
        halo_m REAL NOT NULL CHECK (halo_m >= 0),
        state TEXT NOT NULL,
        opened_s REAL NOT NULL,
        closed_s REAL,
        note TEXT,
        beam_s REAL CHECK (beam_s >= 0),
        retake_of INTEGER REFERENCES exposure (id),
        CONSTRAINT rect_m_has_x0_below_x1_and_y0_below_y1 CHECK (x0_m < x1_m AND y0_m < y1_m)
    ) STRICT
    ;
INSERT INTO "exposure" VALUES(1,'J000001',0.0,0.0,9.99999999999999912396e-06,9.99999999999999912396e-06,0.0,'closed',0.0,0.0,NULL,1.0,NULL);
INSERT INTO "exposure" VALUES(2,'J000001',0.0,0.0,9.99999999999999912396e-06,9.99999999999999912396e-06,0.0,'closed',0.0,0.0,NULL,1.0,1);
INSERT INTO "exposure" VALUES(3,'J000002',0.0,0.0,9.99999999999999912396e-06,9.99999999999999912396e-06,0.0,'closed',0.0,0.0,NULL,1.0,NULL);
CREATE TABLE field (
        id TEXT PRIMARY KEY,
        section TEXT NOT NULL REFERENCES section (id),
        idx INTEGER NOT NULL,
        x_m REAL NOT NULL,
        y_m REAL NOT NULL,
        x0_m REAL NOT NULL, y0_m REAL NOT NULL, x1_m REAL NOT NULL, y1_m REAL NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        image TEXT,
        sha256 TEXT,
        elapsed_ms REAL,
        warnings TEXT NOT NULL,
        frame TEXT,
        UNIQUE (section, idx),
        CONSTRAINT rect_m_has_x0_below_x1_and_y0_below_y1 CHECK (x0_m < x1_m AND y0_m < y1_m),
        CONSTRAINT a_saved_field_has_an_image
            CHECK (state NOT IN ('saved', 'detected', 'planned') OR (image || sha256) IS NOT NULL),
        CONSTRAINT a_failed_field_has_a_reason CHECK (state <> 'failed' OR reason IS NOT NULL)
    ) STRICT
    ;
INSERT INTO "field" VALUES('S0001/F000','S0001',0,0.001,0.0,0.001,0.0,0.001091,9.09999999999999893175e-05,'planned',NULL,'fm/S0001/F000.ome.tiff','0000000000000000000000000000000000000000000000000000000000000000',12.5,'[]',NULL);
INSERT INTO "field" VALUES('S0001/F001','S0001',1,0.001,0.0001,0.001,9.99999999999999912396e-05,0.001091,1.90999999999999980557e-04,'pending',NULL,NULL,NULL,NULL,'[]',NULL);
INSERT INTO "field" VALUES('S0002/F000','S0002',0,0.002,0.0,0.002,0.0,0.002091,9.09999999999999893175e-05,'pending',NULL,NULL,NULL,NULL,'[]',NULL);
INSERT INTO "field" VALUES('S0002/F001','S0002',1,0.002,0.0001,0.002,9.99999999999999912396e-05,0.002091,1.90999999999999980557e-04,'pending',NULL,NULL,NULL,NULL,'[]',NULL);
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
    ;
CREATE TABLE found (
        cell TEXT PRIMARY KEY REFERENCES cell (id),
        box_px TEXT NOT NULL,
        image_box_px TEXT,
        rect_m TEXT NOT NULL,
        image_rect_m TEXT,
        reason TEXT NOT NULL,
        decision TEXT NOT NULL
    ) STRICT
    ;
CREATE TABLE job (
        id TEXT PRIMARY KEY,
        section TEXT NOT NULL REFERENCES section (id),
        position INTEGER NOT NULL UNIQUE,
        x0_m REAL NOT NULL, y0_m REAL NOT NULL, x1_m REAL NOT NULL, y1_m REAL NOT NULL,
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
        CONSTRAINT rect_m_has_x0_below_x1_and_y0_below_y1 CHECK (x0_m < x1_m AND y0_m < y1_m),
        CONSTRAINT a_finished_job_has_an_image_and_its_checksum
            CHECK (state NOT IN ('saved', 'done') OR (image IS NOT NULL AND sha256 IS NOT NULL)),
        CONSTRAINT a_job_that_is_not_done_has_a_reason
            CHECK (state NOT IN ('skipped', 'failed', 'needs_review') OR reason IS NOT NULL)
    ) STRICT
    ;
INSERT INTO "job" VALUES('J000001','S0001',1,1.99999999999999982479e-05,0.0,2.99999999999999973718e-05,9.99999999999999912396e-06,1.99999999999999982479e-05,4.99999999999999956198e-06,600,400,1.65e-08,6.0e-05,'saved',NULL,'em/S0001/J000001-2.ome.tiff','0000000000000000000000000000000000000000000000000000000000000000',0.0,0.0,'frame','plan',NULL,NULL);
INSERT INTO "job" VALUES('J000002','S0001',2,3.99999999999999964958e-05,0.0,4.99999999999999956198e-05,9.99999999999999912396e-06,3.99999999999999964958e-05,4.99999999999999956198e-06,600,400,1.65e-08,6.0e-05,'held','dark','em/S0001/J000002-3.ome.tiff','0000000000000000000000000000000000000000000000000000000000000000',0.0,0.0,'frame','plan','retake',3);
INSERT INTO "job" VALUES('J000003','S0001',3,5.99999999999999947437e-05,0.0,7.0e-05,9.99999999999999912396e-06,5.99999999999999947437e-05,4.99999999999999956198e-06,600,400,1.65e-08,6.0e-05,'queued',NULL,NULL,NULL,0.0,0.0,'frame','plan',NULL,NULL);
CREATE TABLE job_count (
        state TEXT PRIMARY KEY, n INTEGER NOT NULL, pixels INTEGER NOT NULL, beam_s REAL NOT NULL
    ) STRICT, WITHOUT ROWID
    ;
INSERT INTO "job_count" VALUES('armed',0,0,0.0);
INSERT INTO "job_count" VALUES('exposed',0,0,0.0);
INSERT INTO "job_count" VALUES('held',1,240000,14.4);
INSERT INTO "job_count" VALUES('queued',1,240000,1.44000000000000039079e+01);
INSERT INTO "job_count" VALUES('saved',1,240000,14.4);
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
    ;
CREATE TABLE reply (
        request_id TEXT PRIMARY KEY,
        method TEXT NOT NULL,
        params TEXT NOT NULL,
        result TEXT NOT NULL
    ) STRICT
    ;
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
    ;
CREATE TABLE review_step (
        id INTEGER PRIMARY KEY,
        policy TEXT,
        made_by TEXT NOT NULL,
        reason TEXT NOT NULL,
        at TEXT NOT NULL,
        undone_by TEXT,
        undone_at TEXT CHECK ((undone_by IS NULL) = (undone_at IS NULL))
    ) STRICT
    ;
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
    ;
INSERT INTO "run" VALUES(1,'run-1','dry-run','v: 1
','idle',NULL,NULL,0,NULL);
CREATE TABLE section (
        id TEXT PRIMARY KEY,
        idx INTEGER NOT NULL UNIQUE,
        x_m REAL NOT NULL,
        y_m REAL NOT NULL,
        visit INTEGER NOT NULL DEFAULT 0,
        outline_m TEXT
    ) STRICT
    ;
INSERT INTO "section" VALUES('S0001',1,0.001,0.0,0,NULL);
INSERT INTO "section" VALUES('S0002',2,0.002,0.0,0,NULL);
CREATE TABLE track (
        id TEXT PRIMARY KEY,
        first_section TEXT NOT NULL REFERENCES section (id),
        last_section TEXT NOT NULL REFERENCES section (id),
        central_section TEXT NOT NULL REFERENCES section (id),
        sections INTEGER NOT NULL CHECK (sections > 0)
    ) STRICT
    ;
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
    ;
CREATE INDEX field_by_state ON field (state);
CREATE INDEX cell_by_field ON cell (field);
CREATE INDEX cell_by_section ON cell (section);
CREATE INDEX review_edit_of_cell ON review_edit (cell);
CREATE INDEX review_edit_of_step ON review_edit (step);
CREATE INDEX job_by_state ON job (state, position);
CREATE INDEX job_by_section ON job (section, state, position);
CREATE INDEX job_by_place ON job (section, position);
CREATE TRIGGER a_new_job_is_counted AFTER INSERT ON job
    BEGIN
        INSERT INTO job_count VALUES (
            NEW.state, 1, NEW.width_px * NEW.height_px, NEW.width_px * NEW.height_px * NEW.dwell_s
        ) ON CONFLICT (state) DO UPDATE
        SET n = n + 1, pixels = pixels + excluded.pixels, beam_s = beam_s + excluded.beam_s;
    END;
CREATE TRIGGER a_job_is_counted_in_its_new_state AFTER UPDATE OF state ON job
    WHEN OLD.state <> NEW.state
    BEGIN
        UPDATE job_count SET n = n - 1, pixels = pixels - OLD.width_px * OLD.height_px,
            beam_s = beam_s - OLD.width_px * OLD.height_px * OLD.dwell_s WHERE state = OLD.state;
        INSERT INTO job_count VALUES (
            NEW.state, 1, NEW.width_px * NEW.height_px, NEW.width_px * NEW.height_px * NEW.dwell_s
        ) ON CONFLICT (state) DO UPDATE
        SET n = n + 1, pixels = pixels + excluded.pixels, beam_s = beam_s + excluded.beam_s;
    END;
CREATE TRIGGER jobs_are_never_deleted BEFORE DELETE ON job
    BEGIN SELECT RAISE(ABORT, 'jobs are never deleted'); END;
CREATE TRIGGER a_held_job_has_a_cause BEFORE UPDATE OF state ON job
    WHEN NEW.state = 'held' AND NEW.hold_cause IS NULL
    BEGIN SELECT RAISE(ABORT, 'a held job has a cause'); END;
CREATE UNIQUE INDEX one_open_exposure ON exposure (state) WHERE state = 'open';
CREATE INDEX exposure_by_job ON exposure (job);
CREATE UNIQUE INDEX an_exposure_is_retaken_once ON exposure (retake_of)
    WHERE retake_of IS NOT NULL AND state <> 'void'
    ;
CREATE TRIGGER only_a_complete_exposure_is_retaken BEFORE INSERT ON exposure
    WHEN NEW.retake_of IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM exposure WHERE id = NEW.retake_of AND job = NEW.job AND state = 'closed'
    )
    BEGIN SELECT RAISE(ABORT, 'only a complete exposure of the same job is retaken'); END;
CREATE INDEX em_image_of_job ON em_image (job);
CREATE INDEX em_image_that_is_bad ON em_image (bad) WHERE bad <> '[]';
CREATE INDEX job_that_is_retaken ON job (retake_of) WHERE retake_of IS NOT NULL;
CREATE INDEX focus_of_section ON focus (beam, section);
CREATE INDEX job_of_kind ON job (section) WHERE kind = 'focus';
CREATE INDEX overview_of_section ON overview (section);
CREATE INDEX duration_by_step ON duration (step);
CREATE INDEX event_of_job ON event (subject, seq) WHERE kind = 'job';
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON event
    BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
CREATE TRIGGER exposures_are_never_deleted BEFORE DELETE ON exposure
    BEGIN SELECT RAISE(ABORT, 'exposures are never deleted'); END;
CREATE TRIGGER exposures_are_closed_once BEFORE UPDATE ON exposure WHEN OLD.state <> 'open'
    BEGIN SELECT RAISE(ABORT, 'an exposure that is not open is never changed'); END;
COMMIT;
