"""Tutorials, run as a reader types them.

In a block marked `console` a line that begins with ``$`` is a command, and the lines below are what it must
print. There ``...`` stands for any text, alone on a line also for any lines. A block below the comment
``<!-- file: NAME -->`` is written into that file.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"^(?:<!-- file: (?P<file>[\w.-]+) -->\n```\w*|```console)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_LIMIT_S = 600
"""A command of a tutorial takes seconds; a computer that is busy gets minutes."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a tutorial."""

    command: str
    """As it is typed."""
    expected: str
    """Its output."""
    line: int
    """Line in the document, from 1."""


class TutorialError(Exception):
    """A command failed, or printed something else than the tutorial shows."""


def steps(text: str) -> Iterator[Step]:
    """Yield the commands of a document in their order.

    Raises
    ------
    TutorialError
        A block does not begin with a command.
    """
    for block in _BLOCK.finditer(text):
        first = text.count("\n", 0, block.start("text")) + 1
        if block["file"]:
            yield Step(f"cat > {block['file']} <<'END OF FILE'\n{block['text']}END OF FILE", "", first)
            continue
        commands: list[tuple[int, str, list[str]]] = []
        for number, line in enumerate(block["text"].splitlines(), start=first):
            if line.startswith("$ "):
                commands.append((number, line[2:], []))
            elif not commands:
                raise TutorialError(f"line {number}: the block does not begin with a command")
            else:
                commands[-1][2].append(line)
        for number, typed, printed in commands:
            yield Step(typed, "\n".join(printed), number)


def run(document: Path, folder: Path, environment: Mapping[str, str]) -> int:
    """Run the commands of a tutorial in a folder and return how many there were.

    Raises
    ------
    TutorialError
        The first command that fails, or prints something else; the message has both texts.
    """
    found = list(steps(document.read_text(encoding="utf-8")))
    for step in found:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", step.command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_LIMIT_S,
        )
        if done.returncode != 0 or not matches(step.expected, done.stdout):
            raise TutorialError(
                f"{document.name}, line {step.line}: {step.command}\nstatus {done.returncode}, printed\n"
                f"{done.stdout}\nand not\n{step.expected}"
            )
    return len(found)


def matches(expected: str, printed: str) -> bool:
    """Return true if an output is the one that a tutorial shows; spaces at the ends of lines do not count."""
    pattern = "".join(_pattern(line.rstrip()) for line in expected.splitlines())
    text = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    return re.fullmatch(pattern, text) is not None


def _pattern(line: str) -> str:
    if line == "...":
        return r"(?:[^\n]*\n)*"
    return r"[^\n]*".join(re.escape(part) for part in line.split("...")) + r"\n"
