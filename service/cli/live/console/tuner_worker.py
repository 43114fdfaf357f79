"""The program behind the page Tune: it answers lines of JSON from standard input on standard output.

It runs apart from the console: what a detector needs is loaded once, and a frame that makes it fail, or takes
all the memory, does no harm.
"""

import json
import os
import select
import sys
from dataclasses import asdict, is_dataclass
from typing import Any

from config.errors import ConfigError
from detection.errors import DetectionError
from drivers.errors import FrameError
from planner.errors import PlannerError
from service.cli.live.console.tuner_profile import save
from service.cli.live.console.tuner_trial import Trials, settings_of
from service.errors import InputError

_REFUSALS = (ConfigError, DetectionError, FrameError, InputError, PlannerError)
_NICE = 10
_IDLE_S = 900.0
"""Time after which a program that is not asked any more ends and frees its memory. Chosen by hand."""


def main() -> None:
    """Answer until standard input ends, or nobody asks any more."""
    os.nice(_NICE)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whatever else writes to standard output must not come between.
    os.dup2(2, 1)
    trials = Trials()
    while select.select([sys.stdin], [], [], _IDLE_S)[0]:
        line = sys.stdin.readline()
        if not line:
            break
        out.write(json.dumps(answer(trials, json.loads(line))) + "\n")
        out.flush()


def answer(trials: Trials, question: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a question: what it ``is``, or why it is ``refused``."""
    what = question.pop("do")
    try:
        match what:
            case "settings":
                found: Any = [asdict(one) for one in settings_of(**question)]
            case "steps":
                found = trials.steps(**question)
            case "cost":
                found = trials.cost(**question)
            case _:
                found = save(**question)
    except _REFUSALS as error:
        return {"refused": str(error)}
    except MemoryError:
        return {"refused": "this frame needs more memory than there is"}
    return {"is": asdict(found) if is_dataclass(found) and not isinstance(found, type) else found}
