"""Items of an export for useq-schema.

::

    fluorescence.json  electron.json                    what is left to acquire
    record/fluorescence.json  record/electron.json      all that was planned

Sequences of what is left may be executed; frames that were exposed are in the record alone, since they
must not be exposed again.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from service.export.contents import RunContents, SectionContents
from service.export.folder import ExportFolder
from service.export.items import Item, digest
from service.export.useq.sequences import sequences


class Useq:
    """The format `useq`."""

    def section_items(
        self,
        run: RunContents,  # noqa: ARG002
        section: SectionContents,  # noqa: ARG002
        folder: ExportFolder,  # noqa: ARG002
    ) -> Iterator[Item]:
        """List nothing: a sequence is of all sections."""
        yield from ()

    def run_items(self, run: RunContents, folder: ExportFolder) -> Iterator[Item]:  # noqa: ARG002
        """List the sequences."""
        for path, sequence in sequences(run):
            text = sequence.model_dump_json(exclude_defaults=True, indent=1) + "\n"
            yield Item(path, path.removesuffix(".json"), partial(_write, text), partial(digest, text))


def _write(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
