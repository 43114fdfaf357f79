"""A choice among names."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

_FILTERED = "use-input fill-input hide-selected input-debounce=0"


class Choice(ui.select):
    """A choice that the browser sends by its name.

    NiceGUI sends the place in the list: where the list has grown meanwhile, that is of something else.
    """

    def _update_options(self) -> None:
        super()._update_options()
        self._props["options"] = [
            {"value": value, "label": label} for value, label in zip(self._values, self._labels, strict=True)
        ]

    def _value_to_model_value(self, value: Any) -> Any:
        if value not in self._values:
            return None
        return {"value": value, "label": self._labels[self._values.index(value)]}

    def _event_args_to_value(self, e: GenericEventArguments) -> Any:
        if e.args is None:
            return None
        chosen = e.args.get("value") if isinstance(e.args, dict) else None
        if chosen in self._values:
            return chosen
        # It is offered no more: the browser learns what holds.
        self.update()
        return self.value


def choice(
    options: Sequence[str] | Mapping[str, str],
    label: str,
    *,
    value: str | None = None,
    on_change: Callable[[], Any] | None = None,
    filtered: bool = False,
) -> Choice:
    """Make a choice among names, or among texts by their names; `filtered` by what is typed."""
    offered = dict(options) if isinstance(options, Mapping) else list(options)
    made = Choice(offered, label=label, value=value, on_change=on_change)
    return made.props(f"outlined dense options-dense {_FILTERED if filtered else ''}")
