"""Watch of the conditions of a scan of a Quanta-style server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from drivers.errors import DisturbedError, DriverError, InterruptedCallError
from drivers.guards.conditions import BLANKER, Conditions, Watch
from drivers.guards.scan_guard import require_undisturbed
from drivers.quanta.blanker import Blanker
from drivers.quanta.client import QuantaClient
from drivers.quanta.scans.conditions import read_conditions
from drivers.stage import Stage


class Watching:
    """Watches scans; a beam that goes elsewhere is blanked at once.

    Parameters
    ----------
    client : QuantaClient
    blanker : Blanker
    stage : Stage
        The stage under the specimen.
    """

    def __init__(self, client: QuantaClient, blanker: Blanker, stage: Stage) -> None:
        self._client, self._blanker, self._stage = client, blanker, stage

    @contextmanager
    def undisturbed(self, set_up: Conditions, *, focusing: bool = False) -> Iterator[Watch]:
        """Watch a scan and the fetching of its image; the caller judges what was seen.

        Parameters
        ----------
        set_up : Conditions
            Place and field as they were set and read back.
        focusing : bool
            The machine changes working distance and dwell time by itself.

        Raises
        ------
        DisturbedError
            In place of a failure, where another program changed the microscope before it.
        """
        now = self._conditions(focusing)
        now = replace(now, settings={**now.settings, BLANKER: "open"})
        before = replace(set_up, shift_m=now.shift_m, settings=now.settings)
        watch = Watch(before, lambda: self._conditions(focusing), self._blanker.blank_now)
        watch.note(now)
        try:
            yield watch
        except (DisturbedError, InterruptedCallError):
            raise
        except DriverError as error:
            require_undisturbed(watch.seen, None, error)
            raise

    @contextmanager
    def beam(self, watch: Watch, *, focusing: bool = False) -> Iterator[None]:
        """Blank at the end in every case, and note the conditions; those of the blanker before it closes."""
        blanker: str | None = None
        try:
            with watch:
                yield
            blanker = "open" if self._client.call("beam_is_blanked") is False else "closed"
        finally:
            self._blanker.blank_now()
            watch.note(self._after(blanker, focusing))

    def _after(self, blanker: str | None, focusing: bool) -> Conditions:
        try:
            after = self._conditions(focusing)
        except DriverError:
            return Conditions()
        # After a failure the blanker proves nothing: it was closed here.
        return replace(after, settings={**after.settings, BLANKER: blanker or "open"})

    def _conditions(self, focusing: bool) -> Conditions:
        return read_conditions(self._client, self._stage, focusing=focusing)
