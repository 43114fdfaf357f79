"""The program behind `Worker`: it answers lines of JSON from standard input on standard output.

It runs apart from the console: what a detector needs is loaded once, and a frame that makes it fail, or takes
all the memory, does no harm. Its priority is low, so that a session on the same computer comes first.
"""

import json
import os
import select
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from typing import Any

from config.errors import ConfigError
from detection.errors import DetectionError
from drivers.errors import FrameError
from planner.errors import PlannerError
from service.errors import InputError

_REFUSALS = (ConfigError, DetectionError, FrameError, InputError, PlannerError)
_NICE = 5
_IDLE_S = 900.0
"""Time after which a program that is not asked any more ends and frees its memory. Chosen by hand."""


def main() -> None:
    """Answer until standard input ends, or nobody asks any more."""
    os.nice(_NICE)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whatever else writes to standard output must not come between.
    os.dup2(2, 1)
    while select.select([sys.stdin], [], [], _IDLE_S)[0]:
        line = sys.stdin.readline()
        if not line:
            break
        question = json.loads(line)
        out.write(json.dumps(answer(question.pop("do"), question), default=asdict) + "\n")
        out.flush()


def answer(what: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a question: what it ``is``, or why it is ``refused``."""
    try:
        return {"is": _answers(what)(**given)}
    except _REFUSALS as error:
        return {"refused": str(error)}
    except MemoryError:
        return {"refused": "this frame needs more memory than there is"}


def _answers(what: str) -> Callable[..., Any]:
    """Return what answers a kind of question; each loads what it needs, and the network takes seconds."""
    if what == "estimate":
        from service.cli.live.console.estimating import estimated

        return estimated
    if what == "save":
        from service.cli.live.console.tuner_profile import save

        return save
    if what in ("holder_read", "holder_find", "holder_landmarks", "holder_save"):
        from service.cli.live.console import holder_lists

        lists: dict[str, Callable[..., Any]] = {
            "holder_read": holder_lists.read,
            "holder_find": holder_lists.find,
            "holder_landmarks": holder_lists.landmarks,
            "holder_save": holder_lists.save,
        }
        return lists[what]
    if what in ("holder_picture", "holder_safe_area", "holder_configure"):
        from service.cli.live.console import holder_stage

        stage: dict[str, Callable[..., Any]] = {
            "holder_picture": holder_stage.picture,
            "holder_safe_area": holder_stage.safe_area,
            "holder_configure": holder_stage.configure,
        }
        return stage[what]
    from service.cli.live.console import tuner_trial

    trials = _trials()
    known: dict[str, Callable[..., Any]] = {
        "settings": tuner_trial.settings_of,
        "steps": trials.steps,
        "cost": trials.cost,
    }
    return known[what]


@cache
def _trials() -> Any:
    from service.cli.live.console.tuner_trial import Trials

    return Trials()
