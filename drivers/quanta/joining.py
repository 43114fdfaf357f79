"""One microscope of two: fluorescence from one driver, SEM and chamber from a Quanta-style server."""

from dataclasses import replace

from config.model import Config
from config.quanta import QuantaConfig
from drivers.clock import Clock
from drivers.errors import DriverError
from drivers.fluorescence import FluorescenceCamera, FmFrame, FmSettings
from drivers.interlock import Interlock
from drivers.microscope import FluorescenceHalf, Microscope
from drivers.quanta.microscope import QuantaDevices, quanta_devices
from drivers.stage import Stage


class PlacedCamera:
    """A camera whose frames lie where the stage of another driver stands. Implements `FluorescenceCamera`.

    Parameters
    ----------
    camera : FluorescenceCamera
    stage : Stage
    interlock : Interlock
        Shared with that stage: no move in the middle of an exposure.
    still_m : float
        A stage that moved further in the course of an exposure spoils the frame, m.
    """

    def __init__(
        self, camera: FluorescenceCamera, stage: Stage, interlock: Interlock, still_m: float
    ) -> None:
        self._camera = camera
        self._stage = stage
        self._interlock = interlock
        self._still_m = still_m

    def expose(self, settings: FmSettings, timeout_s: float) -> FmFrame:
        """Take one frame, and place it by the read-back of the stage."""
        with self._interlock.holding("an exposure"):
            before = self._stage.position()
            frame = self._camera.expose(settings, timeout_s)
            after = self._stage.position()
        if max(abs(b - a) for a, b in zip(before, after, strict=True)) > self._still_m:
            raise DriverError(f"the stage moved from {before} to {after} m in the course of an exposure")
        return replace(frame, pose=replace(frame.pose, center_m=before))

    def stop(self) -> None:
        """End `expose`; harmless when nothing runs."""
        self._camera.stop()

    @property
    def behind(self) -> FluorescenceCamera:
        """The camera itself, for what else it offers."""
        return self._camera


class InterlockedStage:
    """The stage of another driver, refused while the server scans. Implements `Stage`.

    Parameters
    ----------
    stage : Stage
    interlock : Interlock
        That of the SEM.
    """

    def __init__(self, stage: Stage, interlock: Interlock) -> None:
        self._stage = stage
        self._interlock = interlock

    def move_to(self, x_m: float, y_m: float, timeout_s: float) -> tuple[float, float]:
        """Go to a position, and return the read-back."""
        with self._interlock.holding("a move"):
            return self._stage.move_to(x_m, y_m, timeout_s)

    def position(self) -> tuple[float, float]:
        """Read the position back, m."""
        return self._stage.position()

    def stop(self) -> None:
        """Stop moving; harmless when it stands."""
        self._stage.stop()


def joined(
    fluorescence: FluorescenceHalf | Microscope, config: Config, quanta: QuantaConfig, clock: Clock
) -> tuple[Microscope, QuantaDevices]:
    """Take light and camera of one driver, and SEM, chamber and stage of a server.

    Parameters
    ----------
    fluorescence : FluorescenceHalf or Microscope
        Its stage is used, too, where the server does not drive the one under the specimen
        (``quanta.drives_stage: false``).
    config : Config
    quanta : QuantaConfig
    clock : Clock

    Returns
    -------
    Microscope, QuantaDevices
        The microscope, and what of it the server drives.
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
    )
    return devices, driven
