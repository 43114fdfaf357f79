"""A laboratory with SBEMimage: plans, its session file, its stack, and our server."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.sbemimage.answering import Answerer, Inputs
from service.sbemimage.journal import Journal
from service.sbemimage.placing import same_stage
from service.sbemimage.server import Server
from service.sbemimage.work import PlansSource, Source
from tests.service.sbemimage.theirs import TheirMicroscope

PAUSE = {"commands": [{"msg": "PAUSE", "args": [1], "kwargs": {}}]}
SECTION = {"v": 1, "frames": [{"id": "J000001", "rect_m": [0, 0, 20e-6, 15e-6]}]}


class Files:
    """Files of a laboratory: plans, SBEMimage's session file and its stack."""

    def __init__(self, folder: Path) -> None:
        self.plans, self.ini, self.journal = folder / "plans", folder / "mine.ini", folder / "answers.jsonl"
        self.theirs = TheirMicroscope(base_dir=folder / "stack")
        (folder / "stack").mkdir()
        self.plans.mkdir()
        (self.plans / "S0001.json").write_text(json.dumps(SECTION))
        self.save()

    def save(self) -> None:
        self.ini.write_text(self.theirs.ini())

    def inputs(self, source: Source | None = None) -> Inputs:
        return Inputs(source or PlansSource(self.plans), self.ini, same_stage())

    @contextmanager
    def serving(
        self, source: Source | None = None, deadline_s: float = 100.0, message_s: float = 100.0
    ) -> Iterator[int]:
        with (
            Journal(self.journal) as journal,
            Server(
                "127.0.0.1", 0, Answerer(self.inputs(source), journal, deadline_s).reply, message_s
            ) as server,
        ):
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            try:
                yield server.server_address[1]
            finally:
                server.shutdown()

    def verdicts(self) -> list[str]:
        return [json.loads(line)["verdict"] for line in self.journal.read_text().splitlines()]
