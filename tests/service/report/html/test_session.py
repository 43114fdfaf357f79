from service.report.html.session import period


def test_a_clock_that_was_set_back_is_said() -> None:
    begun, ended = "2026-12-03T23:27:40.000+00:00", "2026-11-30T23:28:01.000+00:00"
    assert period(ended, begun) == "2026-11-30 23:28 UTC to 2026-12-03 23:27 UTC"
    assert period(begun, ended).endswith("23:28 UTC (the computer's clock was set back meanwhile)")
