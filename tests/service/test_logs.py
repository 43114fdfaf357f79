from service.logs import Seldom


def test_what_happens_often_is_one_line_a_minute_with_its_number() -> None:
    now_s = [0.0]
    seldom = Seldom(monotonic_s=lambda: now_s[0])
    lines: list[tuple[str, dict[str, object]]] = []

    def log(event: str, **values: object) -> None:
        lines.append((event, values))

    for _ in range(32_000):
        now_s[0] += 0.003
        seldom.write(log, "closed", most=200)
    seldom.write(log, "something else")
    assert [event for event, _ in lines] == ["closed", "closed", "something else"]
    assert lines[0][1] == {"most": 200}
    times = lines[1][1]["times"]
    assert isinstance(times, int)
    assert 19_000 < times < 21_000
