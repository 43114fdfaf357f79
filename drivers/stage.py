"""Protocol of a specimen stage."""

from typing import Protocol


class Stage(Protocol):
    """A stage with two axes, in metres; x grows to the right, y upwards."""

    def move_to(self, x_m: float, y_m: float, timeout_s: float) -> tuple[float, float]:
        """Move straight to a position and settle; blocks. Safe to repeat after any error.

        The move does not compensate backlash: the caller approaches every position from the same side
        (``stage.approach_um``).

        Parameters
        ----------
        x_m, y_m : float
            Target, m.
        timeout_s : float
            Longest time, s, after which the call raises.

        Returns
        -------
        (float, float)
            Position read back, m. The caller compares it with the target.

        Raises
        ------
        OutOfRangeError
            A coordinate that is not finite or outside the range of the stage; nothing moved.
        NotReadyError
            A scan or an exposure is running; nothing moved.
        DeviceTimeoutError, InterruptedCallError, DeviceLostError, DriverError
            The stage may be anywhere, and may still move: read `position`, or call `stop`.
        """
        ...

    def position(self) -> tuple[float, float]:
        """Read the position back, m; does not block, and is allowed during a move.

        Raises
        ------
        DeviceLostError, DriverError
        """
        ...

    def stop(self) -> None:
        """Stop moving, from any thread, within 1 s; ends `move_to`. Harmless when the stage stands still.

        Raises
        ------
        DeviceLostError, DriverError
            The stage may still move.
        """
        ...
