"""Peers that fail are left alone for a while, and found again."""

import pytest

from speech.circuit import LONGEST_WAIT_S, CircuitBreaker


def broken(at_s: float = 0.0) -> CircuitBreaker:
    breaker = CircuitBreaker(failures=2, retry_after_s=10)
    breaker.failed(at_s)
    breaker.failed(at_s)
    return breaker


def test_one_failure_may_be_the_requests_own_fault() -> None:
    breaker = CircuitBreaker(failures=2, retry_after_s=10)
    breaker.failed(0)
    assert breaker.may_try(0)
    assert not breaker.is_open


def test_after_two_in_a_row_it_is_left_alone_until_its_time() -> None:
    breaker = broken(100)
    assert breaker.is_open
    assert not breaker.may_try(109.9)
    assert breaker.may_try(110)


def test_a_success_between_them_starts_the_count_again() -> None:
    breaker = CircuitBreaker(failures=2, retry_after_s=10)
    breaker.failed(0)
    breaker.succeeded()
    breaker.failed(1)
    assert breaker.may_try(1)


def test_a_peer_that_is_certainly_down_is_left_alone_at_once() -> None:
    breaker = CircuitBreaker(failures=5, retry_after_s=10)
    breaker.failed(0, is_certain=True)
    assert not breaker.may_try(9)


def test_only_one_request_finds_out_whether_it_is_back() -> None:
    breaker = broken()
    assert [breaker.may_try(10) for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert [breaker.may_try(10) for _ in range(3)] == [True, True, True]


def test_a_request_on_trial_that_never_tells_does_not_close_the_door_for_good() -> None:
    breaker = broken()
    assert breaker.may_try(10)
    assert not breaker.may_try(19)
    assert breaker.may_try(20)


def test_a_trial_that_is_let_go_is_the_next_ones() -> None:
    breaker = broken()
    assert breaker.may_try(10)
    breaker.let_go()
    assert breaker.is_open
    assert [breaker.may_try(10) for _ in range(2)] == [True, False]


def test_each_failed_trial_doubles_the_wait_up_to_a_limit() -> None:
    breaker, now_s, waits_s = broken(), 10.0, list[float]()
    assert breaker.may_try(now_s)
    for _ in range(10):
        breaker.failed(now_s)
        waited_s = 0.0
        while not breaker.may_try(now_s + waited_s):
            waited_s += 5
        waits_s.append(waited_s)
        now_s += waited_s
    assert waits_s[:4] == [20, 40, 80, 160]
    assert max(waits_s) == waits_s[-1] == LONGEST_WAIT_S


def test_a_success_forgets_the_long_waits() -> None:
    breaker = broken()
    assert breaker.may_try(10)
    breaker.failed(10)
    assert breaker.may_try(30)
    breaker.succeeded()
    breaker.failed(40, is_certain=True)
    assert breaker.may_try(50)


def test_a_peer_that_says_how_long_is_taken_at_its_word_within_reason() -> None:
    breaker = CircuitBreaker(retry_after_s=10)
    breaker.failed(0, retry_after_s=60)
    assert not breaker.may_try(59)
    assert breaker.may_try(60)
    breaker.succeeded()
    breaker.failed(0, retry_after_s=1e9)
    assert breaker.may_try(LONGEST_WAIT_S)


@pytest.mark.parametrize(("failures", "retry_after_s"), [(0, 1.0), (1, 0.0), (1, -1.0)])
def test_limits_that_make_no_sense_are_refused(failures: int, retry_after_s: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        CircuitBreaker(failures=failures, retry_after_s=retry_after_s)
