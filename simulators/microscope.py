"""The complete simulated microscope on one specimen."""

from collections.abc import Sequence
from pathlib import Path

from config.model import Config
from drivers.clock import Clock
from drivers.fluorescence import FluorescenceCamera, Light
from drivers.guards.interlock import Interlock
from drivers.microscope import Microscope
from drivers.pose import FmToSem
from drivers.recorded.devices import PlacedFrame, RecordedCamera, RecordedLight
from simulators.devices.bleaching import BleachedGround
from simulators.devices.camera import SimulatedCamera
from simulators.devices.chamber import SimulatedChamber
from simulators.devices.light import SimulatedLight
from simulators.devices.light_focus import SimulatedLightFocus
from simulators.devices.memory import Memory
from simulators.devices.sem import Noise, SimulatedSem, normal
from simulators.devices.stage import SimulatedStage
from simulators.specimen.recorded_specimen import RecordedSpecimen
from simulators.specimen.specimen import SimulatedSpecimen, Specimen


class SimulatedMicroscope:
    """All simulated devices, on one specimen and one clock.

    Parameters
    ----------
    config : Config
    clock : Clock
    memory : Path or None
        File for the state that hardware keeps when this program is killed: blanker, light, stage, chamber and
        the areas exposed by the beam. A program killed during a scan finds the beam unblanked.
    specimen : Specimen or None
        By default a `SimulatedSpecimen` of the configuration.
    frames : sequence of PlacedFrame, optional
        Frames to play back instead of a simulated camera.
    noise : Noise, optional
        Of the detector of electrons.

    Attributes
    ----------
    devices : Microscope
    specimen : Specimen
    ground : BleachedGround
        Areas exposed by the beam.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        memory: Path | None = None,
        *,
        specimen: Specimen | None = None,
        frames: Sequence[PlacedFrame] = (),
        noise: Noise = normal,
    ) -> None:
        kept = Memory(memory)
        calibration = FmToSem.of(config.calibration)
        interlock = Interlock()
        self.specimen: Specimen = specimen or SimulatedSpecimen(config)
        self.ground = BleachedGround(kept, calibration)
        self._stage = SimulatedStage(config, clock, interlock, kept)
        focus = None if frames else SimulatedLightFocus(clock, kept)
        camera: FluorescenceCamera
        light: Light
        if focus is None:
            light = RecordedLight()
            camera = RecordedCamera(frames, self._stage, clock, interlock)
        else:
            light = shining = SimulatedLight(config.fluorescence, kept)
            camera = SimulatedCamera(
                config, clock, self.specimen, self.ground, shining, self._stage, interlock, focus
            )
        sem = SimulatedSem(
            config, clock, self.specimen, self.ground, self._stage, calibration, interlock, kept, noise
        )
        chamber = SimulatedChamber(config, clock, sem.is_blanked, kept)
        sem.connect(chamber)
        self.devices = Microscope(camera, light, self._stage, sem, chamber, sem, focus)

    def push_to(self, x_m: float, y_m: float) -> None:
        """Move the stage at once, as another program does, whatever runs."""
        self._stage.push_to(x_m, y_m)

    def true_position(self) -> tuple[float, float]:
        """Return the true position of the stage, m, which no hardware reports."""
        return self._stage.true_position()


def recorded_microscope(
    config: Config, clock: Clock, frames: Sequence[PlacedFrame], memory: Path | None = None
) -> SimulatedMicroscope:
    """Return a simulated microscope that plays back recorded fluorescence.

    The electron images show plausible ultrastructure where the recorded frames show cells; the true cells are
    unknown. Exposures by the beam are recorded, but do not change the recorded frames.
    """
    return SimulatedMicroscope(config, clock, memory, specimen=RecordedSpecimen(frames), frames=frames)
