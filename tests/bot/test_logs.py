"""The log: one line a record, and nothing in it that must not be read."""

import asyncio
import io
import logging
from collections.abc import Iterator

import pytest
from loguru import logger

from bot.log_masks import masker
from bot.logs import call_context, set_up_logging

CANARY = "canary/3f9a+1c=="


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    before = logging.root.handlers, logging.root.level
    stream = io.StringIO()
    set_up_logging("DEBUG", secrets=[CANARY, "ab"], stream=stream)
    yield stream
    logger.remove()
    logging.root.handlers, level = before[0], before[1]
    logging.root.setLevel(level)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("calling +919876543210 now", "calling ***210 now"),
        ("from '+14158675310'", "from '***310'"),
        ("to=+91 98765 43210,", "to=***210,"),
        ("+1 (415) 867-5310", "***310"),
        ("09876543210 rang", "***210 rang"),
        ("9876543210", "***210"),
        ("98765 43210", "***210"),
        ("(415) 867-5310", "***310"),
        ("00919876543210", "***210"),
        ("sip:+919876543210@host", "sip:***210@host"),
        ('{"To": "+919876543210"}', '{"To": "***210"}'),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: ***"),
        ("{'authorization': 'Bearer abc.def.ghi'}", "{'authorization': '***'}"),
        ("(b'Authorization', b'Basic dXNlcjpwYXNz')", "(b'Authorization', b'***')"),
        ("sent Basic dXNlcjpwYXNz", "sent Basic ***"),
        ("auth_token=abc123&x=1", "auth_token=***&x=1"),
        ('{"api_key": "k", "a": 1}', '{"api_key": "***", "a": 1}'),
        ("wss://user:pass@host/x", "wss://***@host/x"),
        ("postgresql+asyncpg://u:p@db/x", "postgresql+asyncpg://***@db/x"),
    ],
)
def test_numbers_and_logins_are_masked(said: str, written: str) -> None:
    assert masker([])(said) == written


@pytest.mark.parametrize(
    "said",
    [
        "order 12345 of 1250.50 rupees",
        "2026-03-01T10:00:00.123+0530",
        "2026-03-01 10:00:00",
        "192.168.100.200:8080",
        "CA0123456789012345678901234567890123",
        "call 7f3a0c52-1d2e-4b6f-9a10-123456789012",
        "took 1234567890.123 s",
        "8000 Hz, 160 bytes, 48000 bit/s",
        "pressed 1 2 3",
    ],
)
def test_what_is_no_number_of_a_person_stays_readable(said: str) -> None:
    assert masker([])(said) == said


@pytest.mark.parametrize(
    "said",
    [
        CANARY,
        f"x{CANARY}y",
        "canary%2F3f9a%2B1c%3D%3D",
        "canary/3f9a%2B1c%3D%3D",
        f"{{'k': {CANARY!r}}}",
    ],
)
def test_a_secret_is_masked_in_every_way_it_may_be_written(said: str) -> None:
    assert "3f9a" not in masker([CANARY])(said)


def test_the_longer_of_two_secrets_is_masked_whole_and_a_short_one_is_a_word() -> None:
    assert masker(["abcd", "abcdefgh", "in"])("in abcdefgh abcd") == "in *** ***"


def test_a_record_is_one_line_whatever_it_says(log: io.StringIO) -> None:
    logger.info("first\nsecond\r\x1b[2J\u2028{}", "third")
    assert log.getvalue().count("\n") == 1
    assert "first\\nsecond\\r\\x1b[2J\\u2028third" in log.getvalue()


def test_a_traceback_is_one_line_and_shows_no_secret(log: io.StringIO) -> None:
    token = CANARY
    try:
        raise ValueError(f"refused {token} for +919876543210")
    except ValueError:
        logger.exception("dialling failed")
    text = log.getvalue()
    assert text.count("\n") == 1
    assert "ValueError: refused *** for ***210" in text
    assert "3f9a" not in text


def test_records_of_the_standard_library_come_through_with_their_name(log: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("started with %s", CANARY)
    logging.getLogger("alembic").warning("braces {} stay")
    text = log.getvalue()
    assert "uvicorn.error: started with ***" in text
    assert "alembic: braces {} stay" in text
    assert "3f9a" not in text


def test_clients_that_log_each_request_are_quiet(log: io.StringIO) -> None:
    logging.getLogger("httpx").info("HTTP Request: POST https://api.example.com")
    assert log.getvalue() == ""


async def test_every_record_of_a_call_names_it_also_from_its_tasks(log: io.StringIO) -> None:
    async def in_task() -> None:
        logging.getLogger("x").warning("from a task")

    with call_context("c-1"):
        logger.info("in the call")
        await asyncio.create_task(in_task())
    logger.info("after")
    lines = log.getvalue().splitlines()
    assert [line.split("[")[1].split("]")[0] for line in lines] == ["c-1", "c-1", "-"]


def test_records_below_the_level_are_not_written() -> None:
    stream = io.StringIO()
    set_up_logging("WARNING", stream=stream)
    logger.info("quiet")
    logging.getLogger("x").info("quiet too")
    logger.warning("heard")
    logger.remove()
    assert [line.rsplit(": ")[-1] for line in stream.getvalue().splitlines()] == ["heard"]


def test_a_reader_of_the_log_that_is_gone_does_not_end_a_call(log: io.StringIO) -> None:
    log.close()
    logger.info("into the void")
    assert log.closed
