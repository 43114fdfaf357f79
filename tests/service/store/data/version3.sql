PRAGMA application_id = 1768711533;
PRAGMA user_version = 3;
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
        seen INTEGER NOT NULL DEFAULT 1 CHECK (seen IN (0, 1))
    ) STRICT
    ;
INSERT INTO "cell" VALUES('S0001/F000/c0001','S0001/F000','S0001','[110, 0, 158, 70]','[107, 0, 161, 73]','[-3.204e-06, 1.0324e-05, 5.3400000000000005e-06, 2.2784e-05]','[-3.738e-06, 9.790000000000001e-06, 5.874e-06, 2.2784e-05]',9.8524114635887660718e-01,'kept: confident',NULL,'["T0001"]',1);
INSERT INTO "cell" VALUES('S0001/F000/c0002','S0001/F000','S0001','[146, 0, 188, 64]','[143, 0, 191, 67]','[3.204e-06, 1.1392e-05, 1.0680000000000001e-05, 2.2784e-05]','[2.6700000000000003e-06, 1.0858e-05, 1.1214e-05, 2.2784e-05]',9.84152681642975091236e-01,'kept: doubtful, grown by 0.5 um',NULL,'["T0002"]',1);
INSERT INTO "cell" VALUES('S0001/F000/c0003','S0001/F000','S0001','[184, 0, 256, 34]','[181, 0, 256, 37]','[9.968e-06, 1.6732000000000002e-05, 2.2784e-05, 2.2784e-05]','[9.434e-06, 1.6198e-05, 2.2784e-05, 2.2784e-05]',9.84647384412513537732e-01,'kept: doubtful, grown by 0.5 um; outline unsure, grown by 1.2 um; imaged together with c0003',NULL,'["T0003"]',1);
INSERT INTO "cell" VALUES('S0001/F000/c0004','S0001/F000','S0001','[252, 78, 256, 96]','[249, 75, 256, 99]','[2.2072e-05, 5.696e-06, 2.2784e-05, 8.9e-06]','[2.1538e-05, 5.162e-06, 2.2784e-05, 9.434e-06]',8.33017979508860140214e-01,'not imaged: confidence 0.02 below 0.05','nothing of it is left inside the saved fluorescence after guard and beam halo','["T0004"]',1);
INSERT INTO "cell" VALUES('S0001/F000/c0005','S0001/F000','S0001','[0, 94, 64, 154]','[0, 91, 67, 161]','[-2.2784e-05, -4.628e-06, -1.1392e-05, 6.052e-06]','[-2.2784e-05, -5.874e-06, -1.0858e-05, 6.586e-06]',0.992852007008212,'kept: seen with its neighbours',NULL,'["T0005"]',1);
INSERT INTO "cell" VALUES('S0001/F000/c0006','S0001/F000','S0001','[128, 104, 178, 152]','[123, 101, 183, 157]','[0.0, -4.272e-06, 8.9e-06, 4.272e-06]','[-8.900000000000001e-07, -5.162e-06, 9.790000000000001e-06, 4.806e-06]',9.90445784676930451873e-01,'kept: seen in S0001 and S0003',NULL,'["T0006"]',0);
INSERT INTO "cell" VALUES('S0001/F000/c0007','S0001/F000','S0001','[16, 118, 96, 208]','[13, 115, 99, 211]','[-1.9936e-05, -1.4240000000000001e-05, -5.696e-06, 1.7800000000000001e-06]','[-2.0470000000000002e-05, -1.4774000000000001e-05, -5.162e-06, 2.314e-06]',0.992852007008212,'not imaged: fixed in the camera',NULL,'["T0007"]',1);
INSERT INTO "cell" VALUES('S0001/F000/c0008','S0001/F000','S0001','[202, 130, 256, 190]','[199, 127, 256, 193]','[1.3172e-05, -1.1036e-05, 2.2784e-05, -3.56e-07]','[1.2638e-05, -1.1570000000000001e-05, 2.2784e-05, 1.78e-07]',0.992852007008212,'not imaged: little more than noise, and the sections beside show nothing',NULL,'["T0008"]',1);
INSERT INTO "cell" VALUES('S0001/F000/c0009','S0001/F000','S0001','[0, 174, 32, 256]','[0, 169, 35, 256]','[-2.2784e-05, -2.2784e-05, -1.7088e-05, -8.188e-06]','[-2.2784e-05, -2.2784e-05, -1.6554e-05, -7.298e-06]',9.92156122086088498868e-01,'kept: seen in S0001',NULL,'["T0009"]',1);
INSERT INTO "cell" VALUES('S0002/F000/c0001','S0002/F000','S0002','[152, 0, 198, 58]','[147, 0, 229, 61]','[0.00030427199999999996, 1.2460000000000001e-05, 0.00031246, 2.2784e-05]','[0.000303382, 1.1926e-05, 0.00031797799999999996, 2.2784e-05]',9.89337703414352120923e-01,'not imaged: no fluorescence of it is saved here (kept: seen in S0003)',NULL,'["T0001"]',0);
INSERT INTO "cell" VALUES('S0002/F000/c0002','S0002/F000','S0002','[184, 0, 226, 52]','[147, 0, 229, 61]','[0.000309968, 1.3528e-05, 0.00031744399999999995, 2.2784e-05]','[0.000303382, 1.1926e-05, 0.00031797799999999996, 2.2784e-05]',9.89337703414352120923e-01,'kept: confident',NULL,'["T0002"]',1);
INSERT INTO "cell" VALUES('S0002/F000/c0003','S0002/F000','S0002','[234, 0, 256, 20]','[231, 0, 256, 23]','[0.000318868, 1.9224e-05, 0.00032278399999999995, 2.2784e-05]','[0.000318334, 1.869e-05, 0.00032278399999999995, 2.2784e-05]',9.21207828897552816194e-01,'kept: confident',NULL,'["T0003"]',1);
INSERT INTO "cell" VALUES('S0002/F000/c0004','S0002/F000','S0002','[46, 80, 114, 144]','[43, 77, 117, 149]','[0.00028540399999999995, -2.848e-06, 0.000297508, 8.544e-06]','[0.00028486999999999995, -3.738e-06, 0.000298042, 9.078e-06]',9.90943478701007851583e-01,'kept: confident',NULL,'["T0005"]',1);
INSERT INTO "cell" VALUES('S0002/F000/c0005','S0002/F000','S0002','[166, 90, 220, 140]','[163, 87, 223, 143]','[0.00030676399999999995, -2.136e-06, 0.000316376, 6.764e-06]','[0.00030623, -2.6700000000000003e-06, 0.00031691, 7.298e-06]',9.88677213176376246117e-01,'kept: confident',NULL,'["T0006"]',1);
INSERT INTO "cell" VALUES('S0002/F000/c0006','S0002/F000','S0002','[56, 124, 134, 194]','[53, 121, 137, 197]','[0.00028718399999999995, -1.1748e-05, 0.000301068, 7.12e-07]','[0.00028664999999999995, -1.2282e-05, 0.000301602, 1.246e-06]',9.90943478701007851583e-01,'kept: confident',NULL,'["T0007"]',1);
INSERT INTO "cell" VALUES('S0002/F000/c0007','S0002/F000','S0002','[242, 128, 256, 176]','[237, 123, 256, 179]','[0.00032029199999999996, -8.544e-06, 0.00032278399999999995, 0.0]','[0.000319402, -9.078e-06, 0.00032278399999999995, 8.900000000000001e-07]',9.15260538902030629238e-01,'kept: confident',NULL,'["T0008"]',1);
INSERT INTO "cell" VALUES('S0002/F000/c0008','S0002/F000','S0002','[0, 158, 58, 230]','[0, 155, 61, 233]','[0.000277216, -1.8156e-05, 0.00028754, -5.3400000000000005e-06]','[0.000277216, -1.869e-05, 0.000288074, -4.806e-06]',9.90943478701007851583e-01,'kept: confident',NULL,'["T0010"]',1);
INSERT INTO "cell" VALUES('S0002/F000/c0009','S0002/F000','S0002','[22, 176, 68, 256]','[19, 173, 71, 256]','[0.00028113199999999996, -2.2784e-05, 0.00028932, -8.544e-06]','[0.00028059799999999996, -2.2784e-05, 0.000289854, -8.01e-06]',9.90943478701007851583e-01,'kept: confident',NULL,'["T0009"]',1);
INSERT INTO "cell" VALUES('S0002/F000/c0010','S0002/F000','S0002','[0, 242, 24, 256]','[0, 239, 27, 256]','[0.000277216, -2.2784e-05, 0.000281488, -2.0292e-05]','[0.000277216, -2.2784e-05, 0.000282022, -1.9758e-05]',0.921423381427062,'kept: confident',NULL,'["T0011"]',1);
CREATE TABLE cover (
        job TEXT NOT NULL REFERENCES job (id),
        n INTEGER NOT NULL,
        cell TEXT NOT NULL REFERENCES cell (id),
        PRIMARY KEY (job, n),
        UNIQUE (cell, job)
    ) STRICT, WITHOUT ROWID
    ;
INSERT INTO "cover" VALUES('J000001',0,'S0001/F000/c0005');
INSERT INTO "cover" VALUES('J000001',1,'S0001/F000/c0007');
INSERT INTO "cover" VALUES('J000001',2,'S0001/F000/c0009');
INSERT INTO "cover" VALUES('J000002',0,'S0001/F000/c0001');
INSERT INTO "cover" VALUES('J000002',1,'S0001/F000/c0002');
INSERT INTO "cover" VALUES('J000002',2,'S0001/F000/c0003');
INSERT INTO "cover" VALUES('J000002',3,'S0001/F000/c0006');
INSERT INTO "cover" VALUES('J000002',4,'S0001/F000/c0008');
INSERT INTO "cover" VALUES('J000003',0,'S0002/F000/c0004');
INSERT INTO "cover" VALUES('J000003',1,'S0002/F000/c0006');
INSERT INTO "cover" VALUES('J000003',2,'S0002/F000/c0008');
INSERT INTO "cover" VALUES('J000003',3,'S0002/F000/c0009');
INSERT INTO "cover" VALUES('J000003',4,'S0002/F000/c0010');
INSERT INTO "cover" VALUES('J000004',0,'S0002/F000/c0001');
INSERT INTO "cover" VALUES('J000004',1,'S0002/F000/c0002');
INSERT INTO "cover" VALUES('J000004',2,'S0002/F000/c0003');
INSERT INTO "cover" VALUES('J000004',3,'S0002/F000/c0005');
INSERT INTO "cover" VALUES('J000004',4,'S0002/F000/c0007');
CREATE TABLE duration (
        id INTEGER PRIMARY KEY,
        step TEXT NOT NULL,
        took_s REAL NOT NULL CHECK (took_s >= 0)
    ) STRICT
    ;
INSERT INTO "duration" VALUES(1,'pump_to_partial',120.0);
INSERT INTO "duration" VALUES(2,'move',7.99999999999997157829e-01);
INSERT INTO "duration" VALUES(3,'fluorescence',2.03000000000000113686e+00);
INSERT INTO "duration" VALUES(4,'move',1.09999999999999431565e+00);
INSERT INTO "duration" VALUES(5,'fluorescence',2.03000000000000113686e+00);
INSERT INTO "duration" VALUES(6,'move',1.10000000000000852651e+00);
INSERT INTO "duration" VALUES(7,'fluorescence',2.03000000000000113686e+00);
INSERT INTO "duration" VALUES(8,'pump_to_high',240.0);
INSERT INTO "duration" VALUES(9,'move',1.39297402004467585356e+00);
INSERT INTO "duration" VALUES(10,'move',8.07680378112593189143e-01);
INSERT INTO "duration" VALUES(11,'frame',1.5000000000000039968e+00);
INSERT INTO "duration" VALUES(12,'frame',1.49999999999997268851e+00);
INSERT INTO "duration" VALUES(13,'move',1.09194817130276078387e+00);
INSERT INTO "duration" VALUES(14,'frame',1.49999999999999733546e+00);
INSERT INTO "duration" VALUES(15,'move',8.20718381355959536449e-01);
INSERT INTO "duration" VALUES(16,'frame',1.49999999999999200639e+00);
CREATE TABLE event (
        seq INTEGER PRIMARY KEY,
        time_s REAL NOT NULL,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        data TEXT NOT NULL
    ) STRICT
    ;
INSERT INTO "event" VALUES(1,0.0,'2026-11-29T10:53:48.564+00:00','layout','sections','{"sections":3,"fields":3}');
INSERT INTO "event" VALUES(2,0.0,'2026-11-29T10:53:48.604+00:00','session','20261129-105348-dry-run-ef27','{"event":"start","from":"idle","phase":"preflight","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(3,0.0,'2026-11-29T10:53:48.788+00:00','preflight','session','{"checks":[{"name":"stage","level":"ok","says":"the stage answers: it stands at x 0.000 mm, y 0.000 mm"},{"name":"chamber","level":"ok","says":"the chamber answers: vented, 1e+05 Pa"},{"name":"beam","level":"ok","says":"the beam is blanked"},{"name":"light","level":"ok","says":"the light is off"},{"name":"column","level":"ok","says":"the column answers: 2.5 kV, spot size 3.5, aperture 30 um, working distance 5.8 mm, detector vCD read back"},{"name":"scan size","level":"ok","says":"sem.frame_px asks for scans of 1536 x 1024 px, the SEM offers 1536 x 1024"},{"name":"beam shift","level":"ok","says":"sem.beam_shift_range_um asks for 0 um, the SEM offers 0 um"},{"name":"safe area","level":"ok","says":"it holds all 3 fields"},{"name":"calibration","level":"ok","says":"FM to SEM: none is set, light and beam are taken to agree; see `ilemtrack calibrate`"},{"name":"disk","level":"red","says":"low disk: 0.10 GB free in /data/run; fluorescence takes 0.00 GB, electron images at most 0.00 GB, 1 GB are to stay free"},{"name":"write speed","level":"ok","says":"39.5 MB/s with fsync; the microscope gives at most 0.05 MB/s"},{"name":"clock","level":"ok","says":"the clock says 2026-11-29 10:53:48 UTC"}]}');
INSERT INTO "event" VALUES(4,0.0,'2026-11-29T10:53:48.819+00:00','session','20261129-105348-dry-run-ef27','{"event":"fault","from":"preflight","phase":"fault","resume_to":"preflight","reason":"low disk: 0.10 GB free in /data/run; fluorescence takes 0.00 GB, electron images at most 0.00 GB, 1 GB are to stay free"}');
INSERT INTO "event" VALUES(5,0.0,'2026-11-29T10:53:48.826+00:00','session','20261129-105348-dry-run-ef27','{"event":"acknowledge","from":"fault","phase":"paused","resume_to":"preflight","reason":"a fault was acknowledged; it was: low disk: 0.10 GB free in /data/run; fluorescence takes 0.00 GB, electron images at most 0.00 GB, 1 GB are to stay free"}');
INSERT INTO "event" VALUES(6,0.0,'2026-11-29T10:53:48.832+00:00','session','20261129-105348-dry-run-ef27','{"event":"resume","from":"paused","phase":"preflight","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(7,0.0,'2026-11-29T10:53:48.968+00:00','preflight','session','{"checks":[{"name":"stage","level":"ok","says":"the stage answers: it stands at x 0.000 mm, y 0.000 mm"},{"name":"chamber","level":"ok","says":"the chamber answers: vented, 1e+05 Pa"},{"name":"beam","level":"ok","says":"the beam is blanked"},{"name":"light","level":"ok","says":"the light is off"},{"name":"column","level":"ok","says":"the column answers: 2.5 kV, spot size 3.5, aperture 30 um, working distance 5.8 mm, detector vCD read back"},{"name":"scan size","level":"ok","says":"sem.frame_px asks for scans of 1536 x 1024 px, the SEM offers 1536 x 1024"},{"name":"beam shift","level":"ok","says":"sem.beam_shift_range_um asks for 0 um, the SEM offers 0 um"},{"name":"safe area","level":"ok","says":"it holds all 3 fields"},{"name":"calibration","level":"ok","says":"FM to SEM: none is set, light and beam are taken to agree; see `ilemtrack calibrate`"},{"name":"disk","level":"ok","says":"80.34 GB free in /data/run; fluorescence takes 0.00 GB, electron images at most 0.00 GB, 1 GB are to stay free"},{"name":"write speed","level":"ok","says":"39.1 MB/s with fsync; the microscope gives at most 0.05 MB/s"},{"name":"clock","level":"ok","says":"the clock says 2026-11-29 10:53:48 UTC"}]}');
INSERT INTO "event" VALUES(8,0.0,'2026-11-29T10:53:48.988+00:00','session','20261129-105348-dry-run-ef27','{"event":"preflight_passed","from":"preflight","phase":"to_partial_vacuum","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(9,120.0,'2026-11-29T10:53:49.026+00:00','vacuum','chamber','{"pressure_pa":200.0}');
INSERT INTO "event" VALUES(10,120.0,'2026-11-29T10:53:49.028+00:00','session','20261129-105348-dry-run-ef27','{"event":"partial_vacuum_reached","from":"to_partial_vacuum","phase":"fluorescence","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(11,120.0,'2026-11-29T10:53:49.044+00:00','devices_busy','session','{"busy_s":120.0}');
INSERT INTO "event" VALUES(12,122.83,'2026-11-29T10:53:50.634+00:00','session','20261129-105348-dry-run-ef27','{"event":"pause","from":"fluorescence","phase":"paused","resume_to":"to_partial_vacuum","reason":"the frame of S0001/F000 cannot be saved: [Errno 28] No space left on device"}');
INSERT INTO "event" VALUES(13,122.83,'2026-11-29T10:53:50.644+00:00','session','20261129-105348-dry-run-ef27','{"event":"resume","from":"paused","phase":"to_partial_vacuum","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(14,122.83,'2026-11-29T10:53:50.646+00:00','devices_busy','session','{"busy_s":2.8299999999999983}');
INSERT INTO "event" VALUES(15,122.83,'2026-11-29T10:53:50.653+00:00','vacuum','chamber','{"pressure_pa":200.0}');
INSERT INTO "event" VALUES(16,122.83,'2026-11-29T10:53:50.655+00:00','session','20261129-105348-dry-run-ef27','{"event":"partial_vacuum_reached","from":"to_partial_vacuum","phase":"fluorescence","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(17,122.83,'2026-11-29T10:53:50.676+00:00','session','20261129-105348-dry-run-ef27','{"event":"pause","from":"fluorescence","phase":"paused","resume_to":"to_partial_vacuum","reason":"low disk: 100 MB free in /data/run; 0 MB are needed next and 1 GB are to stay free"}');
INSERT INTO "event" VALUES(18,122.83,'2026-11-29T10:53:50.688+00:00','session','20261129-105348-dry-run-ef27','{"event":"resume","from":"paused","phase":"to_partial_vacuum","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(19,122.83,'2026-11-29T10:53:50.708+00:00','vacuum','chamber','{"pressure_pa":200.0}');
INSERT INTO "event" VALUES(20,122.83,'2026-11-29T10:53:50.710+00:00','session','20261129-105348-dry-run-ef27','{"event":"partial_vacuum_reached","from":"to_partial_vacuum","phase":"fluorescence","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(21,124.86,'2026-11-29T10:53:51.000+00:00','field','S0001/F000','{"from":"pending","to":"saved","reason":null}');
INSERT INTO "event" VALUES(22,124.86,'2026-11-29T10:53:51.016+00:00','devices_busy','session','{"busy_s":2.030000000000001}');
INSERT INTO "event" VALUES(23,127.99,'2026-11-29T10:53:51.388+00:00','field','S0002/F000','{"from":"pending","to":"saved","reason":null}');
INSERT INTO "event" VALUES(24,127.99,'2026-11-29T10:53:51.396+00:00','devices_busy','session','{"busy_s":3.1299999999999955}');
INSERT INTO "event" VALUES(25,131.12,'2026-11-29T10:53:51.652+00:00','field','S0003/F000','{"from":"pending","to":"saved","reason":null}');
INSERT INTO "event" VALUES(26,131.12,'2026-11-29T10:54:03.964+00:00','field','S0003/F000','{"from":"saved","to":"failed","reason":"detection failed: a bug in the detector"}');
INSERT INTO "event" VALUES(27,131.12,'2026-11-29T10:54:04.361+00:00','field','S0001/F000','{"from":"saved","to":"detected","reason":null,"cells":9}');
INSERT INTO "event" VALUES(28,131.12,'2026-11-29T10:54:05.175+00:00','field','S0001/F000','{"from":"detected","to":"planned","reason":null}');
INSERT INTO "event" VALUES(29,131.12,'2026-11-29T10:54:05.186+00:00','queue','S0001','{"jobs":2,"skipped_cells":1}');
INSERT INTO "event" VALUES(30,131.12,'2026-11-29T10:54:05.199+00:00','plan','S0001','{"method":"exact","optimal":true,"clipped":{"S0001/F000/c0001":"it is imaged in part only, because of the border of the saved fluorescence","S0001/F000/c0002":"it is imaged in part only, because of the border of the saved fluorescence","S0001/F000/c0003":"it is imaged in part only, because of the border of the saved fluorescence","S0001/F000/c0005":"it is imaged in part only, because of the border of the saved fluorescence","S0001/F000/c0007":"its surroundings are imaged in part only, because of the border of the saved fluorescence","S0001/F000/c0008":"it is imaged in part only, because of the border of the saved fluorescence","S0001/F000/c0009":"it is imaged in part only, because of the border of the saved fluorescence"},"frames":2,"stage_moves":2,"beam_s":9.233640000000001,"overhead_s":10.0,"travel_m":0.000020446283922786564,"travel_s":0.020446283922786565,"total_s":19.25408628392279,"exposed_m2":1.4291205644944e-9,"bound_beam_s":7.3541922116976,"raster_total_s":15.3335}');
INSERT INTO "event" VALUES(31,131.12,'2026-11-29T10:54:05.441+00:00','field','S0002/F000','{"from":"saved","to":"detected","reason":null,"cells":10}');
INSERT INTO "event" VALUES(32,131.12,'2026-11-29T10:54:06.192+00:00','field','S0002/F000','{"from":"detected","to":"planned","reason":null}');
INSERT INTO "event" VALUES(33,131.12,'2026-11-29T10:54:06.192+00:00','queue','S0002','{"jobs":2,"skipped_cells":0}');
INSERT INTO "event" VALUES(34,131.12,'2026-11-29T10:54:06.212+00:00','plan','S0002','{"method":"exact","optimal":true,"clipped":{"S0002/F000/c0001":"it is imaged in part only, because of the border of the saved fluorescence","S0002/F000/c0002":"it is imaged in part only, because of the border of the saved fluorescence","S0002/F000/c0003":"it is imaged in part only, because of the border of the saved fluorescence","S0002/F000/c0007":"it is imaged in part only, because of the border of the saved fluorescence","S0002/F000/c0008":"it is imaged in part only, because of the border of the saved fluorescence","S0002/F000/c0009":"it is imaged in part only, because of the border of the saved fluorescence","S0002/F000/c0010":"it is imaged in part only, because of the border of the saved fluorescence"},"frames":2,"stage_moves":2,"beam_s":8.9817,"overhead_s":10.0,"travel_m":0.00030569694347945385,"travel_s":0.30569694347945386,"total_s":19.287396943479454,"exposed_m2":1.4016697647343988e-9,"bound_beam_s":7.202663425367991,"raster_total_s":15.626482232102825}');
INSERT INTO "event" VALUES(35,1.46235331547000214414e+02,'2026-11-29T10:54:06.800+00:00','estimate','session','{"extent":"planned","measured":["move","fluorescence","pump_to_partial"],"left_s":282.61534,"fluorescence_s":0.0,"pumping_s":240.0,"electron_s":42.61534000000002,"focus_s":0.0,"finish_at":"2026-11-29T10:58:49+00:00","frames_left":4,"beam_left_s":18.21534,"data_left_bytes":303589,"dose_per_nm2":3.744905444676459,"dose_mc_per_cm2":0.06000000000000001,"ways":[{"method":"exact","chosen":true,"frames":4,"beam_s":18.21534,"electron_s":42.61534000000002,"data_bytes":303589,"exposed_m2":2.8307903292287988e-9,"mean_dose_per_nm2":4.016235633225489,"finish_at":"2026-11-29T10:58:49+00:00"},{"method":"per-box","chosen":false,"frames":8,"beam_s":16.797,"electron_s":65.59700000000004,"data_bytes":279950,"exposed_m2":2.6357094983667993e-9,"mean_dose_per_nm2":3.9776245443088487,"finish_at":"2026-11-29T10:59:12+00:00"},{"method":"raster","chosen":false,"frames":2,"beam_s":20.667,"electron_s":32.86700000000001,"data_bytes":344450,"exposed_m2":3.444499999999999e-9,"mean_dose_per_nm2":3.74490544467646,"finish_at":"2026-11-29T10:58:39+00:00"}]}');
INSERT INTO "event" VALUES(36,1.46235331547000214414e+02,'2026-11-29T10:54:06.807+00:00','session','20261129-105348-dry-run-ef27','{"event":"review_needed","from":"fluorescence","phase":"review","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(37,1.46235331547000214414e+02,'2026-11-29T10:54:06.851+00:00','job','J000001','{"from":"queued","to":"held","reason":"held by anna: charging","by":"anna"}');
INSERT INTO "event" VALUES(38,1.46235331547000214414e+02,'2026-11-29T10:54:06.876+00:00','session','20261129-105348-dry-run-ef27','{"event":"pause","from":"review","phase":"paused","resume_to":"review","reason":"asked by a person"}');
INSERT INTO "event" VALUES(39,1.46235331547000214414e+02,'2026-11-29T10:54:06.899+00:00','session','20261129-105348-dry-run-ef27','{"event":"resume","from":"paused","phase":"review","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(40,1.46235331547000214414e+02,'2026-11-29T10:54:06.921+00:00','queue_add','J000005','{"jobs":2,"last":"J000006","by":"ben","reason":"a closer look"}');
INSERT INTO "event" VALUES(41,1.46235331547000214414e+02,'2026-11-29T10:54:06.931+00:00','session','20261129-105348-dry-run-ef27','{"event":"review_confirmed","from":"review","phase":"to_high_vacuum","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(42,1.46235331547000214414e+02,'2026-11-29T10:54:06.932+00:00','devices_busy','session','{"busy_s":3.1300000000000097}');
INSERT INTO "event" VALUES(43,3.86235331547000214427e+02,'2026-11-29T10:54:06.940+00:00','vacuum','chamber','{"pressure_pa":0.0008}');
INSERT INTO "event" VALUES(44,3.86235331547000214427e+02,'2026-11-29T10:54:06.944+00:00','session','20261129-105348-dry-run-ef27','{"event":"high_vacuum_reached","from":"to_high_vacuum","phase":"electron","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(45,3.86235586573999853492e+02,'2026-11-29T10:54:06.957+00:00','devices_busy','session','{"busy_s":240.0}');
INSERT INTO "event" VALUES(46,3.87628560594044529342e+02,'2026-11-29T10:54:06.976+00:00','devices_busy','session','{"busy_s":1.3929740200446759}');
INSERT INTO "event" VALUES(47,3.87628560594044529342e+02,'2026-11-29T10:54:06.989+00:00','job','J000002','{"from":"queued","to":"armed","reason":null,"exposure":1}');
INSERT INTO "event" VALUES(48,3.94969560594044537538e+02,'2026-11-29T10:54:07.324+00:00','job','J000002','{"from":"armed","to":"exposed","reason":null,"exposure":1}');
INSERT INTO "event" VALUES(49,3.94969560594044537538e+02,'2026-11-29T10:54:07.355+00:00','session','20261129-105348-dry-run-ef27','{"event":"pause","from":"electron","phase":"paused","resume_to":"to_high_vacuum","reason":"the image of J000002 cannot be saved, it is kept in memory: [Errno 28] No space left on device"}');
INSERT INTO "event" VALUES(50,3.94969560594044537538e+02,'2026-11-29T10:54:07.391+00:00','session','20261129-105348-dry-run-ef27','{"event":"resume","from":"paused","phase":"to_high_vacuum","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(51,3.94969560594044537538e+02,'2026-11-29T10:54:07.396+00:00','devices_busy','session','{"busy_s":7.341000000000008}');
INSERT INTO "event" VALUES(52,3.94969560594044537538e+02,'2026-11-29T10:54:07.400+00:00','vacuum','chamber','{"pressure_pa":0.0008}');
INSERT INTO "event" VALUES(53,3.94969560594044537538e+02,'2026-11-29T10:54:07.406+00:00','session','20261129-105348-dry-run-ef27','{"event":"high_vacuum_reached","from":"to_high_vacuum","phase":"electron","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(54,3.94969778493044259438e+02,'2026-11-29T10:54:07.449+00:00','job','J000002','{"from":"exposed","to":"saved","reason":null}');
INSERT INTO "event" VALUES(55,3.94969778493044259438e+02,'2026-11-29T10:54:07.473+00:00','job','J000002','{"from":"saved","to":"done","reason":null}');
INSERT INTO "event" VALUES(56,3.95777458871156852639e+02,'2026-11-29T10:54:07.526+00:00','devices_busy','session','{"busy_s":0.8076803781125932}');
INSERT INTO "event" VALUES(57,3.95777458871156852639e+02,'2026-11-29T10:54:07.531+00:00','job','J000005','{"from":"queued","to":"armed","reason":null,"exposure":2}');
INSERT INTO "event" VALUES(58,3.97281554871156856734e+02,'2026-11-29T10:54:07.593+00:00','job','J000005','{"from":"armed","to":"exposed","reason":null,"exposure":2}');
INSERT INTO "event" VALUES(59,3.97281554871156856734e+02,'2026-11-29T10:54:07.600+00:00','job','J000005','{"from":"exposed","to":"saved","reason":null}');
INSERT INTO "event" VALUES(60,3.97281554871156856734e+02,'2026-11-29T10:54:07.625+00:00','job','J000005','{"from":"saved","to":"done","reason":null}');
INSERT INTO "event" VALUES(61,3.97281554871156856734e+02,'2026-11-29T10:54:07.660+00:00','devices_busy','session','{"busy_s":1.504096000000004}');
INSERT INTO "event" VALUES(62,3.97281554871156856734e+02,'2026-11-29T10:54:07.674+00:00','job','J000006','{"from":"queued","to":"armed","reason":null,"exposure":3}');
INSERT INTO "event" VALUES(63,3.98782578871156829346e+02,'2026-11-29T10:54:07.756+00:00','job','J000006','{"from":"armed","to":"exposed","reason":null,"exposure":3}');
INSERT INTO "event" VALUES(64,3.98782578871156829346e+02,'2026-11-29T10:54:07.796+00:00','job','J000006','{"from":"exposed","to":"saved","reason":null}');
INSERT INTO "event" VALUES(65,3.98782578871156829346e+02,'2026-11-29T10:54:07.811+00:00','job','J000006','{"from":"saved","to":"done","reason":null}');
INSERT INTO "event" VALUES(66,3.98782578871156829346e+02,'2026-11-29T10:54:07.829+00:00','devices_busy','session','{"busy_s":1.5010239999999726}');
INSERT INTO "event" VALUES(67,3.99874527042459590123e+02,'2026-11-29T10:54:07.872+00:00','devices_busy','session','{"busy_s":1.0919481713027608}');
INSERT INTO "event" VALUES(68,3.99874527042459590123e+02,'2026-11-29T10:54:07.894+00:00','job','J000003','{"from":"queued","to":"armed","reason":null,"exposure":4}');
INSERT INTO "event" VALUES(69,4.06388487042459587436e+02,'2026-11-29T10:54:08.205+00:00','job','J000003','{"from":"armed","to":"exposed","reason":null,"exposure":4}');
INSERT INTO "event" VALUES(70,4.06388487042459587436e+02,'2026-11-29T10:54:08.260+00:00','job','J000003','{"from":"exposed","to":"saved","reason":null}');
INSERT INTO "event" VALUES(71,4.06388487042459587436e+02,'2026-11-29T10:54:08.273+00:00','job','J000003','{"from":"saved","to":"done","reason":null}');
INSERT INTO "event" VALUES(72,4.06388487042459587436e+02,'2026-11-29T10:54:08.292+00:00','devices_busy','session','{"busy_s":6.513959999999997}');
INSERT INTO "event" VALUES(73,4.07209205423815546976e+02,'2026-11-29T10:54:08.335+00:00','devices_busy','session','{"busy_s":0.8207183813559595}');
INSERT INTO "event" VALUES(74,4.07209205423815546976e+02,'2026-11-29T10:54:08.349+00:00','job','J000004','{"from":"queued","to":"armed","reason":null,"exposure":5}');
INSERT INTO "event" VALUES(75,4.1267694542381553901e+02,'2026-11-29T10:54:08.473+00:00','job','J000004','{"from":"armed","to":"exposed","reason":null,"exposure":5}');
INSERT INTO "event" VALUES(76,4.1267694542381553901e+02,'2026-11-29T10:54:08.483+00:00','job','J000004','{"from":"exposed","to":"saved","reason":null}');
INSERT INTO "event" VALUES(77,4.1267694542381553901e+02,'2026-11-29T10:54:08.508+00:00','job','J000004','{"from":"saved","to":"done","reason":null}');
INSERT INTO "event" VALUES(78,4.1267694542381553901e+02,'2026-11-29T10:54:08.552+00:00','session','20261129-105348-dry-run-ef27','{"event":"pause","from":"electron","phase":"paused","resume_to":"to_high_vacuum","reason":"all else is done, detection failed in 1 fields: S0003/F000; mend the cause, stop the program and `ilemtrack resume`, which detects them again; `ilemtrack continue` ends the session without them"}');
INSERT INTO "event" VALUES(79,4.1267694542381553901e+02,'2026-11-29T10:54:08.559+00:00','session','20261129-105348-dry-run-ef27','{"event":"resume","from":"paused","phase":"to_high_vacuum","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(80,4.1267694542381553901e+02,'2026-11-29T10:54:08.564+00:00','devices_busy','session','{"busy_s":5.467739999999992}');
INSERT INTO "event" VALUES(81,4.1267694542381553901e+02,'2026-11-29T10:54:08.567+00:00','vacuum','chamber','{"pressure_pa":0.0008}');
INSERT INTO "event" VALUES(82,4.1267694542381553901e+02,'2026-11-29T10:54:08.569+00:00','session','20261129-105348-dry-run-ef27','{"event":"high_vacuum_reached","from":"to_high_vacuum","phase":"electron","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(83,4.12677081247815294787e+02,'2026-11-29T10:54:08.584+00:00','session','20261129-105348-dry-run-ef27','{"event":"pause","from":"electron","phase":"paused","resume_to":"to_high_vacuum","reason":"all else is done, 1 jobs wait for a person: J000001; see `ilemtrack queue show`, decide by `queue approve`, `release` or `skip`, then `ilemtrack continue`, which without a decision ends the session"}');
INSERT INTO "event" VALUES(84,4.12677081247815294787e+02,'2026-11-29T10:54:08.595+00:00','queue_add','J000007','{"jobs":1,"last":"J000007","by":"carl","reason":""}');
INSERT INTO "event" VALUES(85,4.12677081247815294787e+02,'2026-11-29T10:54:08.613+00:00','queue_add','J000008','{"jobs":1,"last":"J000008","by":"carl","reason":"more"}');
INSERT INTO "event" VALUES(86,4.12677081247815294787e+02,'2026-11-29T10:54:08.614+00:00','session','20261129-105348-dry-run-ef27','{"event":"resume","from":"paused","phase":"to_high_vacuum","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(87,4.12677081247815294787e+02,'2026-11-29T10:54:08.622+00:00','vacuum','chamber','{"pressure_pa":0.0008}');
INSERT INTO "event" VALUES(88,4.12677081247815294787e+02,'2026-11-29T10:54:08.631+00:00','session','20261129-105348-dry-run-ef27','{"event":"high_vacuum_reached","from":"to_high_vacuum","phase":"electron","resume_to":null,"reason":null}');
INSERT INTO "event" VALUES(89,4.12677192075814900816e+02,'2026-11-29T10:54:08.647+00:00','job','J000007','{"from":"queued","to":"held","reason":"waits for the fluorescence of the ground around it"}');
INSERT INTO "event" VALUES(90,4.12677192075814900816e+02,'2026-11-29T10:54:08.656+00:00','session','20261129-105348-dry-run-ef27','{"event":"pause","from":"electron","phase":"paused","resume_to":"to_high_vacuum","reason":"low disk: 100 MB free in RUN; 0 MB are needed next and 1 GB are to stay free"}');
INSERT INTO "event" VALUES(91,4.12677192075814900816e+02,'2026-11-29T10:54:08.697+00:00','shutdown','session','{"reason":"end of the test"}');
INSERT INTO "event" VALUES(92,4.12677192075814900816e+02,'2026-11-29T10:54:08.765+00:00','session','20261129-105348-dry-run-ef27','{"event":"restart","from":"paused","phase":"recovering","resume_to":"to_high_vacuum","reason":"the program was started again"}');
INSERT INTO "event" VALUES(93,4.12677192075814900816e+02,'2026-11-29T10:54:08.794+00:00','session','20261129-105348-dry-run-ef27','{"event":"recovered","from":"recovering","phase":"paused","resume_to":"to_high_vacuum","reason":null}');
INSERT INTO "event" VALUES(94,4.12677192075814900816e+02,'2026-11-29T10:54:08.806+00:00','shutdown','session','{"reason":"end of the test"}');
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
        CONSTRAINT rect_m_has_x0_below_x1_and_y0_below_y1 CHECK (x0_m < x1_m AND y0_m < y1_m)
    ) STRICT
    ;
INSERT INTO "exposure" VALUES(1,'J000002',-6.7160001999999979186e-06,-1.46160002000000019016e-05,2.07839998e-05,2.07839998e-05,5.0e-07,'closed',3.87628560594044529342e+02,3.94969560594044537538e+02,NULL,5.841);
INSERT INTO "exposure" VALUES(2,'J000005',-3.2e-06,-3.2e-06,3.2e-06,3.2e-06,5.0e-07,'closed',3.95777458871156852639e+02,3.97281554871156856734e+02,NULL,0.004096);
INSERT INTO "exposure" VALUES(3,'J000006',-1.6e-06,-1.6e-06,1.6e-06,1.6e-06,5.0e-07,'closed',3.97281554871156856734e+02,3.98782578871156829346e+02,NULL,0.001024);
INSERT INTO "exposure" VALUES(4,'J000003',0.0002792160002,-2.07839998e-05,3.04616000199999968026e-04,1.21160002000000021206e-05,5.0e-07,'closed',3.99874527042459590123e+02,4.06388487042459587436e+02,NULL,5.01396);
INSERT INTO "exposure" VALUES(5,'J000004',3.00683999799999945607e-04,-1.21160002000000021206e-05,3.20783999799999946286e-04,2.07839998e-05,5.0e-07,'closed',4.07209205423815546976e+02,4.1267694542381553901e+02,NULL,3.96774);
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
        UNIQUE (section, idx),
        CONSTRAINT rect_m_has_x0_below_x1_and_y0_below_y1 CHECK (x0_m < x1_m AND y0_m < y1_m),
        CONSTRAINT a_saved_field_has_an_image
            CHECK (state NOT IN ('saved', 'detected', 'planned') OR (image || sha256) IS NOT NULL),
        CONSTRAINT a_failed_field_has_a_reason CHECK (state <> 'failed' OR reason IS NOT NULL)
    ) STRICT
    ;
INSERT INTO "field" VALUES('S0001/F000','S0001',0,0.0,0.0,-2.2784e-05,-2.2784e-05,2.2784e-05,2.2784e-05,'planned',NULL,'fm/S0001/F000.ome.tiff','790c1dac20609adb2aafe720e9c501df5d22d77a00cb67ee0d6890e85cda52ea',5.65836227999852781067e+02,'[]');
INSERT INTO "field" VALUES('S0002/F000','S0002',0,0.0003,0.0,0.000277216,-2.2784e-05,3.22783999999999950732e-04,2.2784e-05,'planned',NULL,'fm/S0002/F000.ome.tiff','8f6f261f9e6d1d901beca8185f19345d3efc0b4a35c6a4264c2d7ec1cecf9bae',3.37241572000266387476e+02,'[]');
INSERT INTO "field" VALUES('S0003/F000','S0003',0,0.0006,0.0,0.000577216,-2.2784e-05,6.22783999999999924451e-04,2.2784e-05,'failed','detection failed: a bug in the detector','fm/S0003/F000.ome.tiff','95760df447eba5a8a5851576132c62702bd0b9dc3b437be6c84584d5852672ff',NULL,'[]');
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
        kind TEXT NOT NULL DEFAULT 'frame' CHECK (kind IN ('frame', 'focus')),
        CONSTRAINT rect_m_has_x0_below_x1_and_y0_below_y1 CHECK (x0_m < x1_m AND y0_m < y1_m),
        CONSTRAINT a_finished_job_has_an_image_and_its_checksum
            CHECK (state NOT IN ('saved', 'done') OR (image IS NOT NULL AND sha256 IS NOT NULL)),
        CONSTRAINT a_job_that_is_not_done_has_a_reason
            CHECK (state NOT IN ('skipped', 'failed', 'needs_review') OR reason IS NOT NULL)
    ) STRICT
    ;
INSERT INTO "job" VALUES('J000001','S0001',0,-2.07839998e-05,-2.07839998e-05,-2.18399980000000114928e-06,9.6160002e-06,-1.14839998e-05,-5.58399979999999951287e-06,186,304,1.0e-07,6.0e-05,'held','held by anna: charging',NULL,NULL,0.0,0.0,'frame');
INSERT INTO "job" VALUES('J000002','S0001',1,-6.71600019999999876558e-06,-1.46160002000000035964e-05,2.07839998e-05,2.07839998e-05,7.03399980000000087706e-06,3.08399979999999803792e-06,275,354,1.0e-07,6.0e-05,'done',NULL,'em/S0001/J000002.ome.tiff','f7d20a7866fec7fcebc429e57752f6008e3d1b71efe0123a473e01bb9a791d81',0.0,0.0,'frame');
INSERT INTO "job" VALUES('J000003','S0002',1000000,0.0002792160002,-2.07839998e-05,0.0003046160002,1.21160002000000038152e-05,0.0002919160002,-4.33399979999999792864e-06,254,329,1.0e-07,6.0e-05,'done',NULL,'em/S0002/J000003.ome.tiff','3a31031c5dcda26b8b07be452a30a26bf801ac7c2d7680aec65d028f119d9cfd',0.0,0.0,'frame');
INSERT INTO "job" VALUES('J000004','S0002',1000001,3.00683999799999945607e-04,-1.21160002000000038152e-05,3.20783999799999946286e-04,2.07839998e-05,3.10733999799999945946e-04,4.33399979999999792864e-06,201,329,1.0e-07,6.0e-05,'done',NULL,'em/S0002/J000004.ome.tiff','a278c40b5aba57b4d19ba7a4f36f9a3d638a0ff5c3f28b037743145748c59df9',0.0,0.0,'frame');
INSERT INTO "job" VALUES('J000005','S0001',500000,-3.2e-06,-3.2e-06,3.2e-06,3.2e-06,0.0,0.0,64,64,1.0e-07,1.0e-06,'done',NULL,'em/S0001/J000005.ome.tiff','fc5018529d6b706eceeedf51f5db97146c658c84fa9b10ef241eb55666cd9b6e',0.0,0.0,'frame');
INSERT INTO "job" VALUES('J000006','S0001',500001,-1.6e-06,-1.6e-06,1.6e-06,1.6e-06,0.0,0.0,32,32,1.0e-07,1.0e-06,'done',NULL,'em/S0001/J000006.ome.tiff','c72a23bd38bfa9c97f594345ef7de140e387011fc9a0c35993285a20a1bdfc79',0.0,0.0,'frame');
INSERT INTO "job" VALUES('J000007','S0002',1500000,2.96799999999999950146e-04,-3.2e-06,0.0003032,3.2e-06,0.0003,0.0,64,64,1.0e-07,1.0e-06,'held','waits for the fluorescence of the ground around it',NULL,NULL,0.0,0.0,'frame');
INSERT INTO "job" VALUES('J000008','S0003',2500000,0.0005968,-3.2e-06,6.03199999999999916799e-04,3.2e-06,0.0006,0.0,64,64,1.0e-07,1.0e-06,'queued','added by carl: more',NULL,NULL,0.0,0.0,'frame');
CREATE TABLE job_count (
        state TEXT PRIMARY KEY, n INTEGER NOT NULL, pixels INTEGER NOT NULL, beam_s REAL NOT NULL
    ) STRICT, WITHOUT ROWID
    ;
INSERT INTO "job_count" VALUES('armed',0,0,0.0);
INSERT INTO "job_count" VALUES('done',5,252165,14.82782);
INSERT INTO "job_count" VALUES('exposed',0,0,0.0);
INSERT INTO "job_count" VALUES('held',2,60640,3.396736);
INSERT INTO "job_count" VALUES('queued',1,4096,4.09600000000177617148e-03);
INSERT INTO "job_count" VALUES('saved',0,0,0.0);
CREATE TABLE reply (
        request_id TEXT PRIMARY KEY,
        method TEXT NOT NULL,
        params TEXT NOT NULL,
        result TEXT NOT NULL
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
        rev INTEGER NOT NULL
    ) STRICT
    ;
INSERT INTO "run" VALUES(1,'20261129-105348-dry-run-ef27','dry-run','v: 1
','paused','to_high_vacuum','the program was started again',29);
CREATE TABLE section (
        id TEXT PRIMARY KEY,
        idx INTEGER NOT NULL UNIQUE,
        x_m REAL NOT NULL,
        y_m REAL NOT NULL,
        visit INTEGER NOT NULL DEFAULT 0,
        outline_m TEXT
    ) STRICT
    ;
INSERT INTO "section" VALUES('S0001',0,0.0,0.0,0,NULL);
INSERT INTO "section" VALUES('S0002',1,0.0003,0.0,1,NULL);
INSERT INTO "section" VALUES('S0003',2,0.0006,0.0,2,NULL);
CREATE TABLE track (
        id TEXT PRIMARY KEY,
        first_section TEXT NOT NULL REFERENCES section (id),
        last_section TEXT NOT NULL REFERENCES section (id),
        central_section TEXT NOT NULL REFERENCES section (id),
        sections INTEGER NOT NULL CHECK (sections > 0)
    ) STRICT
    ;
INSERT INTO "track" VALUES('T0001','S0001','S0002','S0001',2);
INSERT INTO "track" VALUES('T0002','S0001','S0002','S0001',2);
INSERT INTO "track" VALUES('T0003','S0001','S0002','S0001',2);
INSERT INTO "track" VALUES('T0004','S0001','S0001','S0001',1);
INSERT INTO "track" VALUES('T0005','S0001','S0002','S0002',2);
INSERT INTO "track" VALUES('T0006','S0001','S0002','S0002',2);
INSERT INTO "track" VALUES('T0007','S0001','S0002','S0001',2);
INSERT INTO "track" VALUES('T0008','S0001','S0002','S0001',2);
INSERT INTO "track" VALUES('T0009','S0001','S0002','S0002',2);
INSERT INTO "track" VALUES('T0010','S0002','S0002','S0002',1);
INSERT INTO "track" VALUES('T0011','S0002','S0002','S0002',1);
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
INSERT INTO "way" VALUES('S0001','exact',1,2,2,9.23364000000000118006e+00,2.04462839227865642499e-05,153894,1.4291205644944e-09);
INSERT INTO "way" VALUES('S0001','per-box',0,4,4,8.38032000000000110162e+00,5.01519664291619183225e-05,139672,1.31769195702999981174e-09);
INSERT INTO "way" VALUES('S0001','raster',0,1,1,10.3335,0.0,172225,1.72225e-09);
INSERT INTO "way" VALUES('S0002','exact',1,2,2,8.9817,2.07183813559650161048e-05,149695,1.4016697647343987855e-09);
INSERT INTO "way" VALUES('S0002','per-box',0,4,4,8.41668,4.91773499687413851539e-05,140278,1.31801754133679952137e-09);
INSERT INTO "way" VALUES('S0002','raster',0,1,1,10.3335,0.0,172225,1.72224999999999909324e-09);
CREATE INDEX field_by_state ON field (state);
CREATE INDEX cell_by_field ON cell (field);
CREATE INDEX cell_by_section ON cell (section);
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
CREATE UNIQUE INDEX one_open_exposure ON exposure (state) WHERE state = 'open';
CREATE INDEX exposure_by_job ON exposure (job);
CREATE INDEX focus_of_section ON focus (beam, section);
CREATE INDEX job_of_kind ON job (section) WHERE kind = 'focus';
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
