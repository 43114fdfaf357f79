"""Notifications over a real local web server, and to one that is not there."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.alarms import NotifyConfig
from config.loading import dump, parse
from service.errors import InputError
from service.watch.alarms import Alarm
from service.watch.notifier import Notifier, Patience, notification_urls, withheld

FAULT = Alarm("fault", "the beam does not blank", "Tried.", "Look.")
HASTY = Patience(deliver_s=10, pauses_s=(0.0, 0.0))
SECRET = "hunter2"


class Inbox:
    """Requests that a web server got; it answers with `status`."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.arrived = threading.Semaphore(0)
        inbox = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.got.append(json.loads(body))
                inbox.arrived.release()
                self.send_response(inbox.statuses.pop(0) if inbox.statuses else 200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.url = f"json://user:{SECRET}@127.0.0.1:{self.server.server_port}/"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    box = Inbox()
    yield box
    box.close()


def test_an_alarm_arrives(inbox: Inbox) -> None:
    notifier = Notifier([inbox.url], ["fault"], "run7")
    notifier.send(FAULT)
    notifier.close(200)
    (got,) = inbox.got
    assert "run7" in got["title"]
    assert "fault" in got["title"]
    assert "the beam does not blank" in got["message"]
    assert (notifier.sent, notifier.failed) == (1, 0)


def test_people_are_told_only_what_they_want_to_know(inbox: Inbox) -> None:
    notifier = Notifier([inbox.url], ["finished"], "run7")
    notifier.send(FAULT)
    notifier.send(Alarm(None, "a note", "", ""))
    notifier.close(200)
    assert not inbox.got


def test_a_delivery_that_fails_is_tried_again(inbox: Inbox) -> None:
    inbox.statuses = [500]
    failures: list[tuple[str, str]] = []
    notifier = Notifier([inbox.url], ["fault"], "run7", lambda *why: failures.append(why), HASTY)
    notifier.send(FAULT)
    assert inbox.arrived.acquire(timeout=200)
    assert inbox.arrived.acquire(timeout=200)
    notifier.close(200)
    assert len(inbox.got) == 2
    assert not failures


def test_a_channel_that_is_dead_is_reported_and_holds_up_no_other(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    dead = f"json://user:{SECRET}@127.0.0.1:9/"
    failures: list[tuple[str, str]] = []
    notifier = Notifier([dead, inbox.url], ["fault"], "run7", lambda *why: failures.append(why), HASTY)
    notifier.send(FAULT)
    notifier.close(60)
    assert len(inbox.got) == 1
    assert (notifier.sent, notifier.failed) == (1, 1)
    ((channel, _),) = failures
    assert channel.startswith("notification 1 (")
    assert SECRET not in f"{failures} {notifier.last_failure} {caplog.text}"


def test_alarms_that_come_in_numbers_are_one_message(inbox: Inbox) -> None:
    notifier = Notifier([inbox.url], ["needs_review", "fault"], "run7")
    for number in range(50):
        notifier.send(Alarm("needs_review", f"J{number:06d} needs review", "", ""))
    notifier.send(FAULT)
    notifier.close(60)
    assert ["needs review" in got["title"] for got in inbox.got] == [True, False]


def test_the_test_message_says_which_channel_fails(inbox: Inbox) -> None:
    notifier = Notifier([inbox.url, "json://127.0.0.1:9/"], [], "run7")
    (problem,) = notifier.test()
    notifier.close(10)
    assert problem.startswith("notification 2 (")
    assert len(inbox.got) == 1


def test_a_url_that_nobody_knows_is_refused_without_showing_it() -> None:
    with pytest.raises(InputError, match="URL number 2 is none that Apprise knows") as refused:
        Notifier(["json://127.0.0.1/", f"nonsense://{SECRET}"], [], "run7")
    assert SECRET not in str(refused.value)


def test_urls_come_from_configuration_file_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "urls"
    file.write_text("# mine\njson://b/\n\njson://a/\n", encoding="utf-8")
    monkeypatch.setenv("ILEMTRACK_NOTIFY_URLS", "json://a/ json://c/")
    config = NotifyConfig.model_validate({"urls": ["json://d/"], "urls_file": str(file)})
    assert notification_urls(config) == ["json://a/", "json://c/", "json://d/", "json://b/"]
    with pytest.raises(InputError, match=r"notify\.urls_file"):
        notification_urls(NotifyConfig(urls_file=str(tmp_path / "none")))


def test_no_copy_of_a_configuration_shows_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ILEMTRACK_NOTIFY_URLS", raising=False)
    config = parse(f"notify:\n  urls: ['json://user:{SECRET}@host/']\n", "my.yaml")
    copy = dump(config)
    assert SECRET not in copy
    assert SECRET not in repr(config)
    again = parse(copy, "copy")
    assert withheld(again.notify)
    assert not withheld(config.notify)
    assert notification_urls(again.notify) == []
    with pytest.raises(ValueError, match=r"notify\.urls") as refused:
        parse(f"notify:\n  urls: json://{SECRET}\n", "my.yaml")
    assert SECRET not in str(refused.value)
