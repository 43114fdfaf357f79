import pytest

from service import own_packages
from service.errors import InputError


def test_our_own_packages_pass() -> None:
    own_packages.check()


def test_a_room_of_another_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_packages, "_owners", lambda: {"config": ["ilemtrack", "other-config"]})
    with pytest.raises(InputError, match=r"'config' is not ilemtrack's own \(other-config\)"):
        own_packages.check()
