"""Settings of a Quanta-style server that drives SEM, stage and chamber."""

import re
from typing import Self

from pydantic import Field, model_validator

from config.base import Frozen

_ENDPOINT = re.compile(r"tcp://[A-Za-z0-9_.\-]+:[0-9]{1,5}|unix:///\S+")


class QuantaConfig(Frozen):
    """Address of the server, and abilities of the machine behind it."""

    endpoint: str = Field(
        "tcp://127.0.0.1:7521",
        max_length=200,
        description="Address of the server: tcp://HOST:PORT or unix:///PATH.",
    )
    call_timeout_s: float = Field(
        10.0, ge=0.1, le=120, description="Longest time for one call and its answer, s."
    )
    channel: str = Field("electron1", min_length=1, max_length=40, description="Channel of the detector.")
    reduced_area: bool = Field(
        True,
        description="True if the machine scans parts of a preset; else sem.presets_px must list the presets.",
    )
    drives_stage: bool = Field(
        True,
        description="True if the server drives the stage under the specimen; if false, `driver` does.",
    )
    least_move_um: float = Field(
        1.0,
        ge=0,
        le=50,
        description="Shortest move that the stage carries out, um; shorter ones take a detour. 0: any.",
    )
    poll_s: float = Field(
        0.1, gt=0, le=10, description="Time between two polls of a running move or scan, s."
    )

    @model_validator(mode="after")
    def _endpoint_exists(self) -> Self:
        if not _ENDPOINT.fullmatch(self.endpoint):
            raise ValueError(f"endpoint must be tcp://HOST:PORT or unix:///PATH, not {self.endpoint!r}")
        scheme, _, rest = self.endpoint.partition("://")
        if scheme == "tcp" and not 1 <= int(rest.rpartition(":")[2]) <= 65535:
            raise ValueError(f"endpoint must end in a port from 1 to 65535, not {self.endpoint!r}")
        return self
