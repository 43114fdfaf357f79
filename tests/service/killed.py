"""Runs as programs leave them that are killed: on the disk only."""

import shutil
from pathlib import Path

from service.session.folders.run_folder import RunFolder
from tests.service.sessions import Session


class Killed:
    """A copy of the folder of a session at this moment, to be taken up with `Session.again`.

    Parameters
    ----------
    session : Session
    path : Path
        Folder of the copy; it does not exist.
    """

    def __init__(self, session: Session, path: Path) -> None:
        # Not the index of the log, which the next program makes again.
        shutil.copytree(session.folder.path, path, ignore=shutil.ignore_patterns("*-shm", "pictures"))
        self.config, self.folder, self.info = session.config, RunFolder(path), session.info

    def again(self) -> Session:
        """Take it up, as another program does."""
        return Session.again(self)  # type: ignore[arg-type]
