import threading

from simulators.clock import FastClock
from simulators.followed_clock import FollowedClock


def test_a_follower_waits_for_the_time_that_others_let_pass() -> None:
    base = FastClock()
    clock = FollowedClock(base)
    seen: list[float] = []
    begun = threading.Event()

    def follow() -> None:
        with clock.following():
            begun.set()
            for seconds in (10.0, 5.0, 100.0):
                assert clock.sleep(seconds)
                seen.append(clock.now_s())

    thread = threading.Thread(target=follow)
    thread.start()
    assert begun.wait(200)
    clock.settle()
    assert seen == []
    clock.sleep(12.0)
    clock.settle()
    assert seen == [10.0]
    # However far the others jump, each sleep of a follower ends when it was due.
    clock.sleep(1000.0)
    clock.settle()
    thread.join(200)
    assert seen == [10.0, 15.0, 115.0]
    assert clock.now_s() == 1012.0


def test_a_follower_can_be_woken() -> None:
    base = FastClock()
    clock = FollowedClock(base)
    wake, begun = threading.Event(), threading.Event()
    woken: list[bool] = []

    def follow() -> None:
        with clock.following():
            begun.set()
            woken.append(clock.sleep(10.0, wake))

    thread = threading.Thread(target=follow)
    thread.start()
    assert begun.wait(200)
    wake.set()
    thread.join(200)
    assert woken == [False]
    assert base.now_s() == 0.0
