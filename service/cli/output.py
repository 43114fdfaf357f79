"""Output of commands: results on standard output, words for people on standard error."""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from service.wording import MOST_NAMED, some


def tell(sentence: str) -> None:
    """Print a sentence for people to standard error; a closed terminal must not end a session."""
    # There is no stream where it was closed (`2>&-`).
    if sys.stderr is not None:
        with suppress(OSError, ValueError, SystemExit):
            print(sentence, file=sys.stderr, flush=True)


def tell_written(paths: Sequence[Path]) -> None:
    """Print the names of files that were written for people to standard error; of many, the first few."""
    if paths:
        names = [str(path) for path in paths]
        more = f" ({len(names)} files)" if len(names) > MOST_NAMED else ""
        tell(f"wrote {some(names)}{more}")


def print_json(document: Any) -> None:
    """Print one JSON document to standard output."""
    # As a whole: `dump` takes it in pieces, ten times as long.
    sys.stdout.write(json.dumps(document, allow_nan=False, ensure_ascii=False) + "\n")


def changed(reply: Mapping[str, Any]) -> str:
    """Return run, microscope and what was done, from the reply to a change."""
    # An older daemon names neither.
    where = " on ".join(reply[key] for key in ("run", "microscope") if reply.get(key))
    return f"{where}: {reply['message']}" if where else str(reply["message"])
