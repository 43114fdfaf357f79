"""Configuration that a run began with, as its database keeps it; ``config.yaml`` is a copy for people."""

from collections.abc import Iterator, Mapping

from config.errors import ConfigError
from config.loading import parse
from config.model import Config
from service import wording
from service.errors import InputError, StoreError
from service.session.folders.run_folder import RunFolder, RunInfo
from service.store.connection import read_origin
from service.store.durable import write_text


def kept_config(folder: RunFolder, info: RunInfo) -> Config:
    """Return the configuration that a run began with, and check that the files of its folder agree with it.

    A copy that is missing is written again.

    Raises
    ------
    InputError
        `config.yaml` or `run.json` was changed or damaged; names each difference. With other settings, or
        on other devices, the rest of a run would not belong to its beginning.
    StoreError
        The database cannot be read.
    """
    origin = read_origin(folder.store)
    if origin.run_id != info.run:
        raise InputError(
            f"{folder.path}: run.json is of run {info.run}, session.sqlite of run {origin.run_id}; put the"
            " files of one run together first"
        )
    if origin.kind != info.kind:
        raise InputError(
            f"{folder.info}: says that this is a {info.kind}, but it began as a {origin.kind}; restore the"
            " file"
        )
    kept = parse(origin.config_yaml, str(folder.store))
    wrong = _difference(folder, origin.config_yaml, kept)
    if wrong is not None:
        raise InputError(
            f"{folder.config}: {wrong}; a run goes on as it began: take the file away, and it is written"
            " again from session.sqlite, or begin a new run"
        )
    return kept


def config_to_rescue(folder: RunFolder) -> Config:
    """Return the configuration of the microscope to make safe: that of the database, or else the copy.

    Raises
    ------
    ConfigError, InputError
        Neither can be used.
    """
    try:
        origin = read_origin(folder.store)
    except StoreError:
        return parse(_read(folder), str(folder.config))
    return parse(origin.config_yaml, str(folder.store))


def differences(kept: Config, other: Config) -> list[str]:
    """Return each setting in which another configuration differs, as ``sem.dwell_us: 30, was 60``."""
    before, now = (dict(_flat(one.model_dump(mode="json"))) for one in (kept, other))
    return [
        f"{key}: {now.get(key, 'nothing')}, was {before.get(key, 'nothing')}"
        for key in dict.fromkeys((*before, *now))
        if before.get(key) != now.get(key)
    ]


def _difference(folder: RunFolder, text: str, kept: Config) -> str | None:
    """Return in words how the copy differs; None if it says the same."""
    if not folder.config.exists():
        write_text(folder.config, text)
        return None
    found = _read(folder)
    if found == text:
        return None
    if not found.strip():
        return "is empty"
    try:
        other = parse(found, "it")
    except ConfigError as error:
        return f"was changed since the run began: {error}"
    changed = differences(kept, other)
    return f"was changed since the run began: {wording.some(changed)}" if changed else None


def _read(folder: RunFolder) -> str:
    try:
        return folder.config.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{folder.config}: cannot be read ({error})") from None


def _flat(data: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
