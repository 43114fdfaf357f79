"""The server for SBEMimage: its dialect byte for byte, deadlines, journal; frames of a run or of plans."""

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from service.errors import InputError, NotNowError
from service.model.jobs import HoldCause, Job, JobKind, JobState
from service.model.phases import SessionEvent
from service.sbemimage.answering import Answerer
from service.sbemimage.journal import Journal
from service.sbemimage.placing import by_landmarks
from service.sbemimage.theirs.session_file import read_session_file
from service.sbemimage.values import Work
from service.sbemimage.work import PlansSource, RunSource
from tests.service.export.runs import FM_SHAPE, POSE, MadeRun, made_run, noise
from tests.service.saying import Said
from tests.service.sbemimage.laboratory import PAUSE, Files
from tests.service.sbemimage.theirs import STATE, ask


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_slice_is_answered_as_documented(files: Files) -> None:
    with files.serving() as port:
        given = ask(port)
    assert given == {
        "commands": [
            {"msg": "DEACTIVATE ARRAY GRID", "args": [None], "kwargs": {}},
            {"msg": "DEACTIVATE OV", "args": [0], "kwargs": {}},
            {"msg": "DEACTIVATE OV", "args": [1], "kwargs": {}},
            {
                "msg": "ADD ARRAY GRID",
                "args": [],
                "kwargs": {
                    "array_index": 1,
                    "roi_index": 1000,
                    "roi_center": [0.0, 0.0],
                    "size": pytest.approx([25.0, 18.75], rel=1e-5),
                    "ref_center": pytest.approx([10.0, 7.5]),
                },
            },
            {
                "msg": "UPDATE GRID TILES WITH MASK",
                "args": [],
                "kwargs": {"array_index": 1, "roi_index": 1000, "mask": [[1]]},
            },
        ]
    }
    files.theirs.execute(given["commands"])
    files.theirs.acquire()
    files.save()
    # A server that begins anew knows it from its journal and from SBEMimage's logs.
    with files.serving() as port:
        assert ask(port) == PAUSE
    # Also if its folder is emptied after it was seen.
    shutil.rmtree(files.theirs.session().base_dir)
    Path(files.theirs.session().base_dir).mkdir()
    with files.serving() as port:
        assert ask(port) == PAUSE
    assert files.verdicts() == ["grids", "nothing_left", "nothing_left"]


@pytest.mark.parametrize("message", [b"{}", b"[1, 2}", b"\x00\xff}", b'{"overviews": 3}', b"{" * 3000 + b"}"])
def test_a_malformed_message_pauses(files: Files, message: bytes) -> None:
    with files.serving(message_s=0.1) as port:
        assert ask(port, message) == PAUSE
    assert files.verdicts() == ["malformed"]


def test_half_a_message_and_vanished_clients_do_not_hold_others(files: Files) -> None:
    with files.serving() as port:
        slow = socket.create_connection(("127.0.0.1", port))
        slow.sendall(json.dumps(STATE).encode()[:20])
        gone = socket.create_connection(("127.0.0.1", port))
        gone.sendall(json.dumps(STATE).encode())
        gone.close()
        socket.create_connection(("127.0.0.1", port)).close()
        # Long before anybody gives up the rest of the first message.
        assert ask(port) != PAUSE
        slow.close()


def test_the_rest_of_a_message_that_never_comes_is_a_pause(files: Files) -> None:
    with files.serving(message_s=0.1) as port, socket.create_connection(("127.0.0.1", port), 100) as slow:
        slow.sendall(json.dumps(STATE).encode()[:20])
        assert json.loads(slow.recv(4096)) == PAUSE


def test_a_message_in_pieces_is_one_message(files: Files) -> None:
    with files.serving() as port, socket.create_connection(("127.0.0.1", port)) as client:
        whole = json.dumps(STATE).encode()
        for part in (whole[:60], whole[60:85], whole[85:]):
            client.sendall(part)
            time.sleep(0.02)
        assert b"ADD ARRAY GRID" in client.recv(65536)


class Hanging:
    """A drive that does not answer."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.reads = 0

    def read(self) -> Work:
        self.reads += 1
        self.let_go.wait(200)
        return Work(())


def test_an_answer_is_in_time_when_a_drive_hangs(files: Files) -> None:
    source = Hanging()
    with files.serving(source, deadline_s=0.1) as port:
        assert ask(port) == PAUSE
        assert ask(port) == PAUSE
        # No second thread waits for the same drive.
        assert source.reads == 1
        source.let_go.set()
    assert files.verdicts() == ["too_late", "too_late"]


class Broken:
    """A source with a fault of ours."""

    def read(self) -> Work:
        raise ZeroDivisionError


def test_faults_and_files_that_cannot_be_read_pause(files: Files) -> None:
    with files.serving(Broken()) as port:
        assert ask(port) == PAUSE
    with files.serving() as port:
        (files.plans / "S0001.json").write_text('{"v": 1, "frames": [{"id": "a", "rect_m": [0, 0, 1]}]}')
        assert ask(port) == PAUSE
        files.ini.write_text("[sem]\n")
        assert ask(port) == PAUSE
        files.ini.unlink()
        assert ask(port) == PAUSE
    expected = ["failed", "source_unreadable", "session_file_unreadable", "session_file_unreadable"]
    assert files.verdicts() == expected


def test_what_cannot_be_recorded_is_not_offered(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with Journal(files.journal) as journal:
        answerer = Answerer(files.inputs(), journal)
        with monkeypatch.context() as patch:
            patch.setattr("service.sbemimage.journal.os.fsync", full)
            assert json.loads(answerer.reply(json.dumps(STATE).encode(), "me")) == PAUSE
        assert journal.past.offers == ()
        assert files.journal.read_bytes() == b""
        assert json.loads(answerer.reply(json.dumps(STATE).encode(), "me")) != PAUSE


def test_a_journal_is_read_back_whole_locked_and_refused_if_damaged(files: Files) -> None:
    with files.serving() as port:
        ask(port)
        with pytest.raises(NotNowError, match="another ilemtrack serves"):
            Journal(files.journal)
    with files.journal.open("ab") as file:
        file.write(b'{"offers": [{"fra')
    with Journal(files.journal) as journal:
        (offer,) = journal.past.offers
        assert (offer.frame, offer.number, offer.rect_m) == ("S0001/J000001", (1, 1000), (0, 0, 20e-6, 15e-6))
        with pytest.raises(InputError, match="no frame of that name"):
            journal.release(("S0001/J000002",), "anna")
        journal.release(("S0001/J000001",), "anna")
    with Journal(files.journal) as journal:
        assert journal.past.standing == {}
    files.journal.write_text('{"offers": 3}\n')
    with pytest.raises(InputError, match="damaged"):
        Journal(files.journal)


def test_each_section_of_a_list_needs_a_plan(files: Files) -> None:
    sections = files.plans.parent / "wafer.yaml"
    outline = [[0, 0], [9, 0], [9, 9]]
    entries = [{"id": name, "polygon_um": outline} for name in ("S0001", "S0002")]
    sections.write_text(json.dumps({"v": 1, "sections": entries}))
    source = PlansSource(files.plans, sections)
    assert source.read().unfinished == ("S0002",)
    with files.serving(source) as port:
        assert ask(port) == PAUSE
        (files.plans / "S0002.json").write_text('{"v": 1, "frames": []}')
        assert ask(port) != PAUSE
    (files.plans / "S0003.json").write_text('{"v": 1, "frames": []}')
    with pytest.raises(InputError, match="has no section S0003"):
        source.read()


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[MadeRun]:
    made = made_run(tmp_path / "run", sections=1)
    made.save_frame("S0001/F000", noise(FM_SHAPE, 2, "uint16"), POSE)
    jobs = [
        Job(
            f"J00000{n}",
            "S0001",
            n,
            (n * 1e-5, 0, n * 1e-5 + 8e-6, 4e-6),
            (n * 1e-5 + 4e-6, 2e-6),
            (400, 200),
            2e-8,
            1e-6,
            (),
            kind=kind,
        )
        for n, kind in enumerate([JobKind.FRAME, JobKind.FOCUS, JobKind.FRAME], 1)
    ]
    made.store.queue.add_plan("S0001", jobs, {})
    made.store.queue.set_state("J000003", JobState.HELD, reason="by anna", hold_cause=HoldCause.PERSON)
    yield made
    made.close()


def test_frames_of_a_run_wait_for_its_fluorescence_and_its_end(planned: MadeRun) -> None:
    source = RunSource(planned.folder, as_sem_sees=False)
    before = source.read()
    assert before.at_work
    planned.store.apply(SessionEvent.ABORT, "by anna")
    found = source.read()
    assert not found.at_work
    # A focus frame has no cell, and a person holds the other.
    assert [one.name for one in found.frames] == ["S0001/J000001"]
    assert found.frames[0].rect_m == (1e-5, 0.0, 1e-5 + 8e-6, 4e-6)
    # The calibration of the configuration is none.
    assert RunSource(planned.folder, as_sem_sees=True).read().frames[0].rect_m == pytest.approx(
        found.frames[0].rect_m, abs=1e-12
    )


def test_a_section_without_fluorescence_is_named(tmp_path: Path) -> None:
    made = made_run(tmp_path / "run", sections=2)
    assert RunSource(made.folder, as_sem_sees=False).read().unfinished == ("S0001/F000", "S0002/F000")
    made.close()


def test_landmarks_place_a_specimen_that_lies_otherwise(tmp_path: Path) -> None:
    turn, shift = np.array([[0.0, -1.0], [1.0, 0.0]]), np.array([40_000.0, -3_000.0])
    ours = np.array([[0.0, 0.0], [900.0, 10.0], [20.0, 700.0], [850.0, 820.0]])
    for mirror in (np.eye(2), np.diag([-1.0, 1.0])):
        theirs = ours @ (turn @ mirror).T + shift
        rows = [",".join(map(str, [*a, *b])) for a, b in zip(ours.tolist(), theirs.tolist(), strict=True)]
        file = tmp_path / "points.csv"
        file.write_text("plan_x_um,plan_y_um,sbemimage_x_um,sbemimage_y_um\n" + "\n".join(rows))
        placing, _ = by_landmarks(file)
        assert placing.to_theirs(ours * 1e-6) == pytest.approx(theirs, abs=1e-6)
        assert placing.margin_um == pytest.approx(0, abs=1e-6)
    file.write_text("\n".join(file.read_text().splitlines()[:3]))
    with pytest.raises(InputError, match="mirror image"):
        by_landmarks(file)


def test_check_prints_what_would_be_answered(files: Files, say: Said) -> None:
    words = ["serve-sbemimage", str(files.plans), "--session-file", str(files.ini), "--same-stage", "--check"]
    status, document, _ = say(*words, "--json")
    assert status == 0
    assert (document["verdict"], document["tiles"], document["offered"]) == ("grids", 1, ["S0001/J000001"])
    assert document["exposed_um2"] / document["planned_um2"] == pytest.approx(25 * 18.75 / 300)
    files.theirs.grids[None, None].tiles = files.theirs.grids[None, None].tiles.__class__(
        (9000, 9000), 12.5, 1, 0, 0
    )
    files.save()
    status, _, words_said = say(*words)
    assert status == 1
    assert "smaller ones" in words_said
    assert not files.journal.exists()


@pytest.mark.parametrize(
    ("more", "status", "sentence"),
    [
        ([], 2, "give either --landmarks, or --same-stage"),
        (["--same-stage", "--check", "--again", "x"], 2, "--check records nothing"),
        (["--same-stage", "--json"], 2, "--json goes with --check"),
        (["--same-stage", "--again", "S0001/J9"], 2, "no frame of that name was offered"),
        (["--same-stage", "--check", "--base-dir", "elsewhere"], 2, "name the folder stack"),
        (["--same-stage", "--host", "no.such.invalid"], 2, "cannot be listened on"),
    ],
)
def test_bad_input_is_one_sentence(
    files: Files, say: Said, more: list[str], status: int, sentence: str
) -> None:
    found = say("serve-sbemimage", files.plans, "--session-file", files.ini, *more)
    assert found[0] == status
    assert sentence in found[2]


def test_settings_of_a_session_file(files: Files) -> None:
    text = files.theirs.ini()
    found = read_session_file(files.ini)
    assert found == files.theirs.session()
    files.ini.write_bytes(text.replace("/stack", "/M\u00fcller").encode("cp1252"))
    assert read_session_file(files.ini).base_dir.endswith("/M\u00fcller")
    for old, new, key in (
        ("use_microtome = False", "use_microtome = True", "microtome"),
        (
            "use_autofocus = False\n[autofocus]\nref_tiles = []",
            'use_autofocus = True\n[autofocus]\nref_tiles = ["0.1"]',
            "focuses_elsewhere",
        ),
        (
            "use_autofocus = False\n[autofocus]\nref_tiles = []\ntracking_mode = 0",
            "use_autofocus = True\n[autofocus]\nref_tiles = []\ntracking_mode = 3",
            "focuses_elsewhere",
        ),
    ):
        assert old in text
        files.ini.write_text(text.replace(old, new))
        assert getattr(read_session_file(files.ini), key)
    for old, new in (
        ("number_grids = 1", "number_grids = 0"),
        ("number_grids = 1", "number_grids = 5"),
        ("stage_scale_factor_x = 1.0", "stage_scale_factor_x = 0"),
        ("stage_scale_factor_x = 1.0", "stage_scale_factor_x = nan"),
        ("pixel_size = [12.5]", "pixel_size = [0]"),
        ("[[2000, 1500]]", "[[2000]]"),
        ("[grids]", "[grid]"),
    ):
        assert old in text
        files.ini.write_text(text.replace(old, new))
        with pytest.raises(InputError, match="no session file of SBEMimage"):
            read_session_file(files.ini)
