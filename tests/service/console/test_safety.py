from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.console.guard import ROLE, Guard
from service.console.safety import (
    Invitation,
    Policy,
    Role,
    Tokens,
    checked_tokens,
    is_loopback,
    new_token,
)
from service.errors import InputError
from tests.examples import examples
from tests.service.console.consoles import run_alone

TOKENS = Tokens("o" * 20, "w" * 20)
HERE = Policy("127.0.0.1", 8550)
ABROAD = Policy("0.0.0.0", 8550, TOKENS)


def refused(policy: Policy, kind: str = "http", method: str = "GET", path: str = "/", **headers: str) -> int:
    found = policy.refusal(
        kind, method, path, {name.replace("_", "-"): text for name, text in headers.items()}
    )
    return 0 if found is None else found.status


@pytest.mark.parametrize("host", ["localhost:8550", "127.0.0.1:8550", "[::1]:8550", "LOCALHOST"])
def test_names_of_this_computer_are_served(host: str) -> None:
    assert refused(HERE, host=host) == 0
    assert refused(HERE, "websocket", host=host, origin=f"http://{host}") == 0


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8550",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "[",
        "192.168.1.7",
    ],
)
def test_a_name_that_is_bound_to_this_computer_by_others_is_refused(host: str) -> None:
    assert refused(HERE, host=host) == 400


def test_elsewhere_numeric_addresses_are_served_and_foreign_names_refused() -> None:
    assert refused(ABROAD, host="192.168.1.7:8550") == 0
    assert refused(ABROAD, host="evil.example") == 400


@given(
    origin=st.sampled_from(["null", "http://evil.example", "http://localhost:1", "", "http://["])
    | st.text(max_size=30)
)
@examples(50)
def test_only_the_console_itself_may_ask_from_a_browser(origin: str) -> None:
    if origin != "http://localhost:8550":
        assert refused(HERE, "websocket", host="localhost:8550", origin=origin) in (400, 403)


def test_a_websocket_says_where_it_comes_from() -> None:
    assert refused(HERE, "websocket", host="localhost") == 403
    assert refused(HERE, "http", path="/_nicegui_ws/socket.io/", host="localhost") == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_is_changed_by_http(method: str) -> None:
    assert refused(HERE, method=method, path="/queue", host="localhost") == 405


def test_images_of_the_console_are_not_for_other_sites() -> None:
    seen = {"host": "localhost", "sec_fetch_site": "cross-site"}
    assert refused(HERE, **seen, sec_fetch_mode="no-cors") == 403
    assert refused(HERE, **seen, sec_fetch_mode="navigate") == 0, "a link from elsewhere"


def test_roles_go_with_tokens() -> None:
    assert HERE.role({}) is Role.OPERATE
    for token, role in ((TOKENS.operate, Role.OPERATE), (TOKENS.watch, Role.WATCH)):
        proof = ABROAD.login(f" {token}\n")
        assert proof is not None
        assert token not in proof
        assert ABROAD.role({"cookie": f"a=b; {ABROAD.cookie}={proof}"}) is role
    assert ABROAD.login("") is None
    assert HERE.login("o" * 20) is None
    assert ABROAD.role({}) is None


@given(cookie=st.text(max_size=60))
@examples(50)
def test_no_other_cookie_is_a_login(cookie: str) -> None:
    assert ABROAD.role({"cookie": f"{ABROAD.cookie}={cookie}"}) is None
    assert ABROAD.role({"cookie": cookie}) is None


def test_tokens_are_long_and_differ() -> None:
    assert checked_tokens(new_token(), new_token())
    with pytest.raises(InputError, match="at least 16"):
        checked_tokens("short", new_token())
    with pytest.raises(InputError, match="must differ"):
        checked_tokens("x" * 16, "x" * 16)


def test_addresses_of_this_computer_only() -> None:
    assert [is_loopback(host) for host in ("localhost", "127.0.0.1", "::1", "127.3.4.5")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "microscope", "10.0.0.1")] == [False] * 4


class Served:
    """A guard before an application that keeps what it was asked."""

    def __init__(self, policy: Policy) -> None:
        self.guard = Guard(self._serve, policy)
        self.asked: list[Mapping[str, Any]] = []

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002
        self.asked.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    def ask(
        self, method: str, path: str, body: bytes = b"", kind: str = "http", query: str = "", **headers: str
    ) -> Any:
        given_headers = [(name.encode(), text.encode()) for name, text in headers.items()]
        scope: dict[str, Any] = {"type": kind, "method": method, "path": path, "headers": given_headers}
        scope["query_string"] = query.encode()
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            sent.append(message)

        run_alone(self.guard(scope, receive, send))
        first = sent[0]
        return first.get("status", first["type"]), dict(first.get("headers", [])), sent


def test_a_login_gives_a_cookie_that_scripts_cannot_read() -> None:
    served = Served(ABROAD)
    status, headers, sent = served.ask("GET", "/", host="10.0.0.1")
    assert (status, b"Sign in" in sent[1]["body"], served.asked) == (200, True, [])
    assert served.ask("GET", "/queue", host="10.0.0.1")[0] == 401
    wrong = served.ask("POST", "/login", b"token=wrong", host="10.0.0.1")
    assert (wrong[0], b"not valid" in wrong[2][1]["body"]) == (401, True)
    form = urlencode({"token": TOKENS.watch}).encode()
    status, headers, _ = served.ask("POST", "/login", form, host="10.0.0.1")
    cookie = headers[b"set-cookie"].decode()
    assert (status, headers[b"location"]) == (303, b"/")
    assert "HttpOnly; Path=/; SameSite=Strict" in cookie
    status, headers, _ = served.ask("GET", "/queue", host="10.0.0.1", cookie=cookie.split(";")[0])
    assert (status, served.asked[0][ROLE]) == (200, Role.WATCH)
    assert b"script-src-attr 'none'" in headers[b"content-security-policy"]
    assert (
        served.ask("GET", "/", kind="websocket", host="10.0.0.1", origin="http://10.0.0.1")[0]
        == "websocket.close"
    )


def test_an_endless_login_is_not_read() -> None:
    served = Served(ABROAD)
    assert served.ask("POST", "/login", b"token=" + b"x" * 10_000, host="10.0.0.1")[0] == 401


def test_an_invitation_signs_in_once() -> None:
    """Whoever reads the address later, in a list of processes say, gets no further than the login."""
    invitation = Invitation("Anna B")
    served = Served(Policy("127.0.0.1", 8550, TOKENS, invitation))
    path, _, query = invitation.path.partition("?")
    asked: dict[str, Any] = {"path": path, "query": query, "host": "localhost"}
    assert served.ask("GET", path, host="localhost", query="once=wrong")[0] == 401
    assert served.ask("HEAD", **asked)[0] == 200, "a look at the address uses nothing up"
    status, headers, sent = served.ask("GET", **asked)
    assert status == 200
    assert b'content="0;url=/"' in sent[1]["body"]
    cookies = [text.decode().split(";")[0] for name, text in sent[0]["headers"] if name == b"set-cookie"]
    assert cookies[1] == "ilemtrack_name=Anna+B"
    assert served.ask("GET", "/", host="localhost", cookie=cookies[0])[0] == 200
    assert served.asked[0][ROLE] is Role.OPERATE
    status, headers, sent = served.ask("GET", **asked)
    assert (status, b"set-cookie" in headers) == (401, False)
    assert b"was used before" in sent[1]["body"]
    assert served.ask("GET", path, host="localhost", query="once=")[0] == 200
    assert len(served.asked) == 1
