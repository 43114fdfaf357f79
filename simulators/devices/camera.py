"""The simulated EMCCD camera behind the fluorescence objective."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from config.model import Config
from drivers.clock import Clock
from drivers.errors import DeviceTimeoutError, DisturbedError, InterruptedCallError
from drivers.fluorescence import FmFrame, FmSettings
from drivers.guards.conditions import Conditions, disturbance
from drivers.guards.interlock import Interlock
from drivers.guards.limits import require_em_gain, require_exposure
from drivers.guards.stopping import StopSwitch
from drivers.pose import Pose
from simulators.devices.bleaching import BleachedGround
from simulators.devices.light import LINE_WIDTH_NM, SimulatedLight
from simulators.devices.light_focus import SimulatedLightFocus
from simulators.devices.plate import plate_height_m
from simulators.devices.reflection import reflected
from simulators.devices.stage import SimulatedStage
from simulators.specimen.grid import Floats, Grid
from simulators.specimen.specimen import Specimen
from simulators.specimen.textures import Texture

_READOUT_S = 0.03
"""Readout, s: 512 x 512 pixels at 10 MHz (0.026 s) plus the frame transfer."""
DUST_RADIUS_UM = (1.5, 3.5)
"""Smallest and largest radius of a dust spot; chosen by hand."""
_SENSOR_C = -70.0
"""A usual temperature of such a camera; chosen by hand."""
_REFLECTED_PHOTONS = 1.2e7
"""Photons per pixel that 1 J/cm2 gives off the bare substrate; chosen by hand."""
_STOKES_NM = 25.0
"""Emission minus excitation wavelength of GFP, about; not measured."""


class SimulatedCamera:
    """Implements `drivers.fluorescence.FluorescenceCamera`.

    A frame shows the fluorescence at the true position of the stage, bleached by earlier exposures to the
    beam and blurred by the objective, on a bell-shaped background of the light path. In the light of
    ``holder``, unless that is the excitation, it shows the holder by reflection. Noise: photoelectrons
    (Poisson), the electron-multiplying register (a gamma distribution, which doubles the variance: Hirsch et
    al., PLoS ONE 8 (2013) e53671) and read noise; then offset and 16 bits.

    Parameters
    ----------
    config : Config
    clock : Clock
    specimen : Specimen
    ground : BleachedGround
    light : SimulatedLight
    stage : SimulatedStage
    interlock : Interlock
    focus : SimulatedLightFocus
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        specimen: Specimen,
        ground: BleachedGround,
        light: SimulatedLight,
        stage: SimulatedStage,
        interlock: Interlock,
        focus: SimulatedLightFocus,
    ) -> None:
        self._config = config
        self._clock = clock
        self._specimen = specimen
        self._ground = ground
        self._light = light
        self._stage = stage
        self._interlock = interlock
        self._focus = focus
        self._switch = StopSwitch()
        self._exposures = 0
        self._texture = Texture(config.simulator.specimen.seed)
        columns, rows = config.fluorescence.frame_px
        self._shape = rows, columns
        self._background = _bell(config) + _dust(config)

    def expose(self, settings: FmSettings, timeout_s: float) -> FmFrame:
        """Take one frame; blocks on the clock for the exposure and the readout."""
        require_exposure(settings.exposure_s)
        require_em_gain(settings.em_gain)
        whole_s = settings.exposure_s + _READOUT_S
        with self._interlock.holding("an exposure"), self._switch.running() as wake:
            begin_s = self._clock.now_s()
            before = self._conditions()
            pose = self._pose(self._stage.position())
            light = self._scene(self._pose(self._stage.true_position()), settings)
            if not self._clock.sleep(min(whole_s, timeout_s), wake):
                raise InterruptedCallError("the exposure was stopped")
            if whole_s > timeout_s:
                raise DeviceTimeoutError(f"the camera gave no frame within {timeout_s:g} s")
            self._exposures += 1
            rng = np.random.Generator(
                np.random.SFC64([self._config.simulator.specimen.seed, 5, self._exposures])
            )
            pixels = self._detect(light, settings.em_gain, rng)
            after = self._conditions()
        frame = FmFrame(pixels, pose, settings, self._config.fluorescence.offset_adu, begin_s, (1, 1))
        told = disturbance([before, after])
        if told is not None:
            raise DisturbedError(told, image=frame)
        return frame

    def stop(self) -> None:
        """End `expose`; harmless when nothing runs."""
        self._switch.stop()

    def temperature_c(self) -> float:
        """Return the temperature of the sensor, always that of its cooling, degrees Celsius."""
        return _SENSOR_C

    def target_temperature_c(self) -> float:
        """Return the temperature that the cooling is set to, degrees Celsius."""
        return _SENSOR_C

    def _conditions(self) -> Conditions:
        return Conditions(self._stage.position(), settings={"light power": self._light.excitation()})

    def _pose(self, center_m: tuple[float, float]) -> Pose:
        size = self._config.fluorescence.pixel_size_m
        return Pose(center_m, (size, size))

    def _scene(self, pose: Pose, settings: FmSettings) -> Floats:
        """Return the photons of each pixel in the whole exposure."""
        grid = Grid.of_pose(pose, self._shape)
        if self._reflects():
            dose = self._light.power_density_w_per_cm2() * settings.exposure_s
            image = self._blurred(reflected(self._specimen.faces(grid), grid, self._texture), pose)
            # The light is as uneven as in fluorescence: the bell, at half its depth.
            bell = self._background / max(float(self._background.max()), 1e-6)
            return np.asarray(image * (1 + bell) * np.float32(dose * _REFLECTED_PHOTONS / 2))
        excitation = self._light.excitation()
        if excitation == 0:
            return np.zeros(self._shape, np.float32)
        image = self._blurred(self._specimen.fluorescence(grid) * self._ground.remaining(grid), pose)
        return np.asarray((image + self._background) * np.float32(excitation * settings.exposure_s))

    def _reflects(self) -> bool:
        """Return True in the light of the holder's overview."""
        line_nm, holder = self._light.line_nm(), self._config.holder
        return (
            line_nm is not None
            and holder.light != "fluorescence"
            and abs(line_nm - holder.wavelength_nm) < LINE_WIDTH_NM
            and abs(line_nm - self._config.fluorescence.excitation_nm) > LINE_WIDTH_NM
        )

    def _blurred(self, image: Floats, pose: Pose) -> Floats:
        off_m = self._focus.position() - plate_height_m(self._config, pose.center_m)
        sigma_um = blur_sigma_um(self._config, off_m)
        blur_px = sigma_um * 1e3 / self._config.fluorescence.pixel_size_nm
        return np.asarray(cv2.GaussianBlur(image, (0, 0), blur_px, borderType=cv2.BORDER_REPLICATE))

    def _detect(self, photons: Floats, em_gain: float, rng: np.random.Generator) -> NDArray[np.uint16]:
        simulator = self._config.simulator
        electrons = rng.poisson(photons * np.float32(simulator.quantum_efficiency)).astype(np.float32)
        if em_gain > 1:
            electrons = rng.standard_gamma(electrons, dtype=np.float32) * np.float32(em_gain)
        electrons += rng.standard_normal(electrons.shape, dtype=np.float32) * np.float32(
            simulator.read_noise_electrons
        )
        adu = electrons / np.float32(simulator.electrons_per_adu)
        adu += np.float32(self._config.fluorescence.offset_adu)
        return np.asarray(np.clip(np.rint(adu), 0, 65535), dtype=np.uint16)


def blur_sigma_um(config: Config, z_m: float = 0.0) -> float:
    """Return the standard deviation of the point spread function, um.

    `z_m` is the height of the objective above that of the plate.

    In focus it is the Gaussian nearest to an Airy disc, 0.21 wavelength / NA (Zhang et al., Appl. Opt. 46
    (2007) 1819). Defocus, zero with the objective at ``simulator.defocus_um``, adds the disc of the light
    cone, whose standard deviation is half its radius.
    """
    fm = config.fluorescence
    aperture = fm.objective_numerical_aperture
    focus = 0.21 * (fm.excitation_nm + _STOKES_NM) * 1e-3 / aperture
    angle = math.asin(min(aperture, 0.99))
    return math.hypot(focus, (config.simulator.defocus_um - z_m * 1e6) * math.tan(angle) / 2)


def _bell(config: Config) -> Floats:
    """Return the background, photons per pixel and second: a Gaussian bell on a constant."""
    specimen = config.simulator.specimen
    columns, rows = config.fluorescence.frame_px
    x = ((np.arange(columns, dtype=np.float32) + 0.5) / columns - 0.48) / 0.35
    y = ((np.arange(rows, dtype=np.float32)[:, None] + 0.5) / rows - 0.53) / 0.35
    bell = np.exp(-0.5 * (x * x + y * y))
    return np.asarray(specimen.background_photons + specimen.bell_photons * bell, dtype=np.float32)


def _dust(config: Config) -> Floats:
    """Return the light of dust spots fixed in the camera, photons per pixel and second: soft discs."""
    columns, rows = config.fluorescence.frame_px
    light = np.zeros((rows, columns), np.float32)
    rng = np.random.default_rng([config.simulator.specimen.seed, 7])
    y, x = np.mgrid[0.5:rows, 0.5:columns].astype(np.float32)
    for _ in range(config.simulator.dust_spots):
        center_x, center_y = rng.uniform(0.05, 0.95, 2) * (columns, rows)
        radius_px = rng.uniform(*DUST_RADIUS_UM) * 1e3 / config.fluorescence.pixel_size_nm
        inside_px = radius_px - np.hypot(x - np.float32(center_x), y - np.float32(center_y))
        covered = np.clip(inside_px + np.float32(0.5), 0, 1)
        light += np.float32(config.simulator.specimen.brightness_photons) * covered
    return light
