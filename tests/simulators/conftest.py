from collections.abc import Callable
from typing import Any

import pytest

from config.model import Config

MakeConfig = Callable[..., Config]


@pytest.fixture
def make_config() -> MakeConfig:
    """Configurations of the simulator: `specimen` and further simulator keys by name, `sections`, `fields`."""

    def make(
        *,
        sections: int = 3,
        fields: tuple[int, int] = (1, 1),
        specimen: dict[str, Any] | None = None,
        **more: Any,
    ) -> Config:
        return Config.model_validate(
            {
                "layout": {"kind": "grid", "sections": sections, "pitch_um": 400, "fields": fields},
                "simulator": {"specimen": {"seed": 5, **(specimen or {})}, **more.pop("simulator", {})},
                **more,
            }
        )

    return make
