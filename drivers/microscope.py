"""All devices of one integrated light and electron microscope."""

from dataclasses import dataclass

from drivers.by_hand import ChamberByHand
from drivers.chamber import Chamber
from drivers.fluorescence import FluorescenceCamera, Light, LightFocus
from drivers.sem import ElectronFocus, Sem
from drivers.stage import Stage


@dataclass(frozen=True, slots=True)
class FluorescenceHalf:
    """The fluorescence devices, where another machine drives SEM and chamber."""

    camera: FluorescenceCamera
    light: Light
    stage: Stage
    light_focus: LightFocus | None = None
    """Drive of the fluorescence objective; None where it is focused by hand."""
    cautions: tuple[str, ...] = ()
    """What people should know before a session, in sentences."""


@dataclass(frozen=True, slots=True)
class Microscope:
    """The devices, each behind its Protocol."""

    camera: FluorescenceCamera
    light: Light
    stage: Stage
    sem: Sem
    chamber: Chamber
    focus: ElectronFocus | None = None
    """Automatic focus of the beam; None where the machine has none."""
    light_focus: LightFocus | None = None
    """Drive of the fluorescence objective; None where it is focused by hand."""
    chamber_by_hand: ChamberByHand | None = None
    """The chamber again where a person operates it; None where the program does."""
    cautions: tuple[str, ...] = ()
    """What people should know before a session, in sentences."""
