"""What a specimen stage must offer."""

from typing import Protocol


class Stage(Protocol):
    """A stage in metres, x right, y up."""

    def move_to(self, x_m: float, y_m: float, timeout_s: float) -> tuple[float, float]:
        """Go straight to a position, settle, and return the read-back; blocks.

        Where backlash matters, the caller comes to every position from the same side (``stage.approach_um``).

        After an error the stage may stand anywhere or still move: read `position`, or `stop`.

        Raises
        ------
        OutOfRangeError
            Not finite or outside the range; nothing moved.
        NotReadyError
            A scan or an exposure runs; nothing moved.
        DeviceTimeoutError, InterruptedCallError, DeviceLostError, DriverError
        """
        ...

    def position(self) -> tuple[float, float]:
        """Read the position back, m; does not block."""
        ...

    def stop(self) -> None:
        """Stop moving, from any thread, within 1 s; harmless when it stands."""
        ...
