import pytest

from service import rooms
from service.errors import InputError


def test_our_own_rooms_pass() -> None:
    rooms.check()


def test_a_room_of_another_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "packages_distributions", lambda: {"config": ["ilemtrack", "other-config"]})
    with pytest.raises(InputError, match=r"'config' is not ilemtrack's own \(other-config\)"):
        rooms.check()
