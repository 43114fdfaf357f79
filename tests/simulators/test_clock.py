import threading

from hypothesis import given
from hypothesis import strategies as st

from simulators.clock import FastClock


@given(st.floats(0, 1e6), st.lists(st.floats(-10, 1e6), max_size=8))
def test_time_is_the_sum_of_what_was_slept(start_s: float, naps_s: list[float]) -> None:
    clock = FastClock(start_s)
    expected = start_s
    for nap_s in naps_s:
        assert clock.sleep(nap_s)
        expected += max(0.0, nap_s)
        assert clock.now_s() == expected


def test_a_wake_that_is_set_takes_no_time() -> None:
    clock, wake = FastClock(), threading.Event()
    assert clock.sleep(1.0, wake)
    wake.set()
    assert not clock.sleep(1.0, wake)
    assert clock.now_s() == 1.0


def test_threads_lose_no_time() -> None:
    clock = FastClock()

    def nap() -> None:
        for _ in range(1000):
            clock.sleep(1.0)

    threads = [threading.Thread(target=nap) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now_s() == 4000.0
