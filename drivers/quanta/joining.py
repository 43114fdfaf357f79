"""A microscope joined from two drivers: fluorescence from one, SEM and chamber from a Quanta-style server."""

from dataclasses import replace

from config.model import Config
from config.quanta import QuantaConfig
from drivers.clock import Clock
from drivers.errors import DisturbedError
from drivers.fluorescence import FluorescenceCamera, FmFrame, FmSettings
from drivers.guards.conditions import Conditions, disturbance
from drivers.guards.interlock import Interlock
from drivers.microscope import FluorescenceHalf, Microscope
from drivers.quanta.found_settings import FoundOfBoth, QuantaFound
from drivers.quanta.microscope import QuantaDevices, quanta_devices
from drivers.stage import Stage


class PlacedCamera:
    """A camera above the stage of another driver. Implements `FluorescenceCamera`.

    Parameters
    ----------
    camera : FluorescenceCamera
    stage : Stage
    interlock : Interlock
        Shared with that stage, which then does not move during an exposure.
    still_m : float
        Largest movement of the stage during an exposure, m; beyond it the frame is refused.
    """

    def __init__(
        self, camera: FluorescenceCamera, stage: Stage, interlock: Interlock, still_m: float
    ) -> None:
        self._camera = camera
        self._stage = stage
        self._interlock = interlock
        self._still_m = still_m

    def expose(self, settings: FmSettings, timeout_s: float) -> FmFrame:
        """Take one frame, positioned by the read-back of the stage."""
        with self._interlock.holding("an exposure"):
            before = self._stage.position()
            frame = self._camera.expose(settings, timeout_s)
            after = self._stage.position()
        told = disturbance([Conditions(before), Conditions(after)], self._still_m)
        if told is not None:
            raise DisturbedError(told)
        return replace(frame, pose=replace(frame.pose, center_m=before))

    def stop(self) -> None:
        """End `expose`; harmless when nothing runs."""
        self._camera.stop()

    @property
    def behind(self) -> FluorescenceCamera:
        """The camera itself, for what it offers beyond the protocol."""
        return self._camera


class InterlockedStage:
    """The stage of another driver, which does not move while the server scans. Implements `Stage`.

    Parameters
    ----------
    stage : Stage
    interlock : Interlock
        Shared with the SEM.
    """

    def __init__(self, stage: Stage, interlock: Interlock) -> None:
        self._stage = stage
        self._interlock = interlock

    def move_to(self, x_m: float, y_m: float, timeout_s: float) -> tuple[float, float]:
        """Move to a position, and return the read-back, m."""
        with self._interlock.holding("a move"):
            return self._stage.move_to(x_m, y_m, timeout_s)

    def position(self) -> tuple[float, float]:
        """Read the position back, m."""
        return self._stage.position()

    def stop(self) -> None:
        """Stop moving; harmless when the stage stands still."""
        self._stage.stop()


def joined(
    fluorescence: FluorescenceHalf | Microscope, config: Config, quanta: QuantaConfig, clock: Clock
) -> tuple[Microscope, QuantaDevices]:
    """Join light and camera of one driver with SEM, chamber and stage of a server.

    Parameters
    ----------
    fluorescence : FluorescenceHalf or Microscope
        Its stage is used as well where the server does not drive the one under the specimen
        (``quanta.drives_stage: false``).
    config : Config
    quanta : QuantaConfig
    clock : Clock

    Returns
    -------
    Microscope, QuantaDevices
        The microscope, and the part of it that the server drives.
    """
    interlock = Interlock()
    if quanta.drives_stage:
        driven = quanta_devices(config, quanta, clock, interlock)
        still_m = config.stage.arrival_tolerance_um * 1e-6
        camera: FluorescenceCamera = PlacedCamera(fluorescence.camera, driven.stage, interlock, still_m)
    else:
        own = InterlockedStage(fluorescence.stage, interlock)
        driven = quanta_devices(config, quanta, clock, interlock, own)
        camera = fluorescence.camera
    devices = Microscope(
        camera,
        fluorescence.light,
        driven.stage,
        driven.sem,
        driven.chamber,
        focus=driven.sem,
        light_focus=fluorescence.light_focus,
        found=FoundOfBoth(fluorescence.found, QuantaFound(driven.client, interlock)),
        cautions=fluorescence.cautions,
    )
    return devices, driven
