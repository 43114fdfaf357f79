"""Files that are whole or as they were, whatever happens."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.errors import InputError


@contextmanager
def new_file(path: Path, replace: bool, mode: int) -> Iterator[Path]:
    """Give a file to write under the same name in a hidden folder; then it takes its place.

    Parameters
    ----------
    path : Path
    replace : bool
        False to refuse a file that exists.
    mode : int
        Who may read and write it.

    Raises
    ------
    InputError
        The file exists, or cannot be written.
    """
    if path.exists() and not replace:
        raise InputError(f"{path} exists")
    try:
        with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as folder:
            made = Path(folder) / path.name
            yield made
            made.chmod(mode)
            with made.open("rb") as stream:
                os.fsync(stream.fileno())
            if replace:
                made.replace(path)
            else:
                # Fails if somebody else has made it meanwhile.
                path.hardlink_to(made)
    except FileExistsError:
        raise InputError(f"{path} exists") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
