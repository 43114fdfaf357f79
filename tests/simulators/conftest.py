from collections.abc import Callable
from typing import Any

import pytest

from config.model import Config

MakeConfig = Callable[..., Config]


@pytest.fixture
def make_config() -> MakeConfig:
    """Make configurations of the simulator; `more` are further top-level keys."""

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
