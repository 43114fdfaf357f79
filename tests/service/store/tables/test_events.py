import pytest

from service.store.store import Store
from service.store.tables import events


@pytest.mark.parametrize("page", [1, 3, 1000])
def test_each_gives_all_events_in_order_whatever_the_page(
    store: Store, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_PAGE", page)
    for number in range(9):
        store.events.note("note", "session", {"number": number})
    found = list(store.events.each())
    assert found == store.events.since(0)
    assert [event.data["number"] for event in found if event.kind == "note"] == list(range(9))


def test_each_gives_what_is_written_meanwhile(store: Store) -> None:
    store.events.note("note", "session", {})
    seen = 0
    for event in store.events.each():
        seen = event.seq
        if seen < 5:
            store.events.note("note", "session", {})
    assert seen == store.events.last_seq()
