"""An echo counts as heard only where no clear came between."""

from telephony.mark_ledger import MOST_PENDING, MarkEcho, MarkLedger


def test_an_echo_is_told_once():
    ledger = MarkLedger()
    ledger.sent("m1")
    assert ledger.echoed("m1") == MarkEcho("m1", cleared=False)
    assert ledger.echoed("m1") is None


def test_marks_out_when_clear_is_sent_come_back_flagged():
    ledger = MarkLedger()
    ledger.sent("m1")
    ledger.sent("m2")
    ledger.cleared()
    ledger.sent("m3")
    echoes = [ledger.echoed(name) for name in ("m1", "m2", "m3")]
    assert [echo and echo.cleared for echo in echoes] == [True, True, False]


def test_a_name_used_twice_is_echoed_twice_oldest_first():
    ledger = MarkLedger()
    ledger.sent("m")
    ledger.cleared()
    ledger.sent("m")
    assert [ledger.echoed("m"), ledger.echoed("m")] == [MarkEcho("m", True), MarkEcho("m", False)]


def test_marks_that_never_come_back_do_not_fill_the_memory():
    ledger = MarkLedger()
    for n in range(3 * MOST_PENDING):
        ledger.sent(f"m{n}")
    assert len(ledger.pending) == MOST_PENDING
    assert ledger.pending[-1] == f"m{3 * MOST_PENDING - 1}"
