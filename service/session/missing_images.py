"""Images of a run that its database has and its folder has no more."""

import os

from service.session.folders.run_folder import RunFolder
from service.store.store import Store


def missing_images(store: Store, folder: RunFolder) -> tuple[str, ...]:
    """Return the recorded images without a file, relative to the folder of the run, in order.

    A link to a file elsewhere counts as it. Only names are looked up, a folder at a time;
    `ilemtrack trace` compares contents.

    Raises
    ------
    StoreError
    """
    there: dict[str, frozenset[str]] = {}
    missing = []
    for file in store.images.files():
        parent, _, name = file.rpartition("/")
        if parent not in there:
            there[parent] = _names(folder, parent)
        if name not in there[parent]:
            missing.append(file)
    return tuple(missing)


def _names(folder: RunFolder, parent: str) -> frozenset[str]:
    try:
        with os.scandir(folder.path / parent) as entries:
            return frozenset(entry.name for entry in entries if entry.is_file())
    except OSError:
        return frozenset()
