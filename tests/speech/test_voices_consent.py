"""What a consent must say, and when it holds."""

import json
from collections.abc import Mapping

import pytest

from speech.consent import read_consent
from speech.errors import ConsentInvalid
from tests.speech.parrot import CONSENT, NOW_S, consent

BORN = 1_798_777_800.0  # 2027-01-01T10:00:00+05:30
OVER = 1_830_297_600.0  # 2028-01-01T00:00:00Z


def test_a_complete_consent_holds_from_when_it_was_given_until_it_expires() -> None:
    given = consent()
    for now_s in (BORN, NOW_S, OVER - 1):
        given.check("calls", now_s=now_s)


def test_a_consent_that_was_read_reads_the_same_from_its_own_json() -> None:
    assert read_consent(consent().model_dump_json()) == consent()


@pytest.mark.parametrize(
    ("now_s", "use", "reason"),
    [
        (OVER, "calls", r"expired at 2028-01-01T00:00:00\+00:00; ask the speaker again"),
        (NOW_S, "training", "agreed to the use for calls, not for training"),
        (BORN - 600, "calls", "is still to come"),
    ],
)
def test_a_consent_that_does_not_hold_says_why(now_s: float, use: str, reason: str) -> None:
    with pytest.raises(ConsentInvalid, match=reason):
        consent().check(use, now_s=now_s)  # type: ignore[arg-type]


def test_clocks_may_differ_by_some_minutes() -> None:
    consent().check("calls", now_s=BORN - 200)


@pytest.mark.parametrize("field", CONSENT)
def test_a_missing_field_is_named_with_what_belongs_there(field: str) -> None:
    record = {name: value for name, value in CONSENT.items() if name != field}
    with pytest.raises(ConsentInvalid, match=f"consent: {field} is missing: ."):
        read_consent(record)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"speaker": " "}, "speaker"),
        ({"speaker": "x" * 201}, "speaker"),
        ({"speaker": 7}, "speaker"),
        ({"agreed_text": "yes"}, "agreed_text: .*at least 20"),
        ({"agreed_at": "2027-01-01T10:00:00"}, "agreed_at: .*timezone"),
        ({"agreed_at": "yesterday"}, "agreed_at"),
        ({"evidence_sha256": "AB" * 32}, "evidence_sha256"),
        ({"evidence_sha256": "ab" * 31}, "evidence_sha256"),
        ({"uses": []}, "uses"),
        ({"uses": ["calls", "adverts"]}, "uses"),
        ({"uses": "calls"}, "uses"),
        ({"expires_at": "2026-01-01T00:00:00Z"}, "expires_at must be later than agreed_at"),
        ({"expires_at": "2033-01-01T00:00:00Z"}, "at most five years"),
        ({"expires_at": None}, "expires_at"),
        ({"voice": "mine"}, "no field 'voice'; there are: speaker, agreed_text"),
    ],
)
def test_a_wrong_field_is_named(changes: Mapping[str, object], reason: str) -> None:
    for record in ({**CONSENT, **changes}, json.dumps({**CONSENT, **changes})):
        with pytest.raises(ConsentInvalid, match=reason):
            read_consent(record)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConsentInvalid) as refused:
        read_consent({"speaker": "A"})
    assert len(str(refused.value).splitlines()) == len(CONSENT)


@pytest.mark.parametrize("record", ["", "[]", "null", "{", b"\xff\xfe", '"x"', "[" * 5_000])
def test_what_is_no_record_is_refused(record: str | bytes) -> None:
    with pytest.raises(ConsentInvalid):
        read_consent(record)
