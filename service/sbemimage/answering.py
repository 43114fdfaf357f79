"""Answers to what SBEMimage sends: everything is read anew, decided, recorded, and in time."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from config.errors import ConfigError
from service.errors import InputError, StoreError
from service.logs import get_logger
from service.safety.timed_call import TimedCall
from service.sbemimage.deciding import decide, paused
from service.sbemimage.journal import Journal
from service.sbemimage.placing import Placing
from service.sbemimage.theirs.dialect import State, read_state, reply
from service.sbemimage.theirs.logs import begun_tiles, local_folder
from service.sbemimage.theirs.session_file import SessionFile, read_session_file
from service.sbemimage.values import Answer, Past, Verdict, Work
from service.sbemimage.work import Source

log = get_logger(__name__)

ANSWER_S = 20.0
"""Deadline of an answer; SBEMimage waits for ever, and its stage stands still meanwhile. Reading 1,000 frames
and the logs of a day takes less than a second; the rest is for a slow network drive."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Inputs of an answer.

    Attributes
    ----------
    source : Source
        Of the frames.
    session_file : Path
        Of SBEMimage.
    placing : Placing
    seen_at : Path or None
        SBEMimage's base directory as this computer sees it; None: under the name that SBEMimage gives.
    """

    source: Source
    session_file: Path
    placing: Placing
    seen_at: Path | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """Findings for one answer, and the answer."""

    work: Work
    session: SessionFile
    answer: Answer
    logs_seen: bool
    """SBEMimage's logs can be read, so that a frame that was offered and never begun is offered again."""


def look(inputs: Inputs, session: SessionFile, state: State, past: Past) -> Look:
    """Read everything and decide; nothing is kept.

    Raises
    ------
    InputError, StoreError, ConfigError
    """
    work = inputs.source.read()
    folder = str(local_folder(session.base_dir, inputs.seen_at))
    begun = {one: begun_tiles(Path(one)) for one in {folder, *(offer.base_dir for offer in past.offers)}}
    answer = decide(state, work, session, inputs.placing, past, begun, folder)
    ours = past.by_number
    seen = {tile for tiles in begun.values() for tile in tiles or () if tile[:2] in ours} - past.begun
    return Look(work, session, replace(answer, begun=tuple(sorted(seen))), begun[folder] is not None)


class Answerer:
    """Gives an answer to each message, one at a time.

    Parameters
    ----------
    inputs : Inputs
    journal : Journal
    deadline_s : float
        Of real time.
    report : callable
        Called with each answer and its client, for people.
    """

    def __init__(
        self,
        inputs: Inputs,
        journal: Journal,
        deadline_s: float = ANSWER_S,
        report: Callable[[Answer, str], None] = lambda *_: None,
    ) -> None:
        self._inputs, self._journal, self._deadline_s = inputs, journal, deadline_s
        self._report = report
        self._lock = threading.Lock()
        self._stuck: TimedCall[Answer] | None = None

    def reply(self, data: bytes, client: str) -> bytes:
        """Return the reply to a message: always one line of commands, a pause where anything is wrong."""
        if not self._lock.acquire(timeout=self._deadline_s):
            return reply(paused(Verdict.TOO_LATE).commands)
        try:
            state = read_state(data)
            answer = paused(Verdict.MALFORMED) if state is None else self._answer(state)
            try:
                self._journal.record(answer, state, client)
            except OSError as error:
                answer = paused(Verdict.JOURNAL_UNWRITABLE, str(error.strerror))
        finally:
            self._lock.release()
        log.info(
            "answered SBEMimage",
            client=client,
            verdict=answer.verdict.value,
            detail=answer.detail,
            frames=len(answer.offers),
        )
        self._report(answer, client)
        return reply(answer.commands)

    def _answer(self, state: State) -> Answer:
        if self._stuck is not None and not self._stuck.ended():
            # A drive that hangs: one thread waits for it, not one for each message.
            return paused(Verdict.TOO_LATE)
        past = self._journal.past
        call = TimedCall("sbemimage-answer", lambda: _safe(self._inputs, state, past))
        self._stuck = call
        return call.outcome() if call.wait(self._deadline_s) else paused(Verdict.TOO_LATE)


def _safe(inputs: Inputs, state: State, past: Past) -> Answer:
    """Return the answer, a pause for every error: SBEMimage goes on only on what was decided."""
    try:
        session = read_session_file(inputs.session_file)
    except InputError as error:
        return paused(Verdict.SESSION_FILE_UNREADABLE, str(error))
    try:
        return look(inputs, session, state, past).answer
    except (InputError, StoreError, ConfigError) as error:
        return paused(Verdict.SOURCE_UNREADABLE, str(error))
    except Exception as error:
        # Whatever it is, SBEMimage must not go on to image.
        log.exception("no answer for SBEMimage")
        return paused(Verdict.FAILED, type(error).__name__)
