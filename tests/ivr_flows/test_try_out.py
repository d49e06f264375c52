"""A flow tried in the terminal."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ivr_flows.actions import Request
from ivr_flows.errors import VariablesInvalid
from ivr_flows.events import Failed, Responded
from ivr_flows.try_out import TryOut, real_request, run
from tests.ivr_flows.shipped_flows import FLOWS

VENDOR = FLOWS["vendor_confirmation"]
SUPPORT = FLOWS["customer_support"]


def printed(try_out: TryOut, *lines: str) -> str:
    out: list[str] = []
    run(try_out, lines, out.append, show_prompt=True)
    return "".join(out)


def test_a_call_by_words_ends_with_its_disposition():
    text = printed(TryOut(VENDOR), "yes confirm it", "twenty minutes")
    assert 'outcome so far: {"decision": "confirmed", "minutes": 20}' in text
    assert text.endswith("-- hangs up [confirmed]\n")


def test_a_call_by_keys_in_hindi_without_an_ear():
    text = printed(TryOut(VENDOR, language="hi", keypad_only=True), "2", "3")
    assert "no words" in text
    assert "हाँ कहिए" not in text
    assert text.endswith("-- hangs up [rejected]\n")


def test_silence_is_an_empty_line():
    assert printed(TryOut(VENDOR), "", "", "").endswith("-- hangs up [no_input]\n")


def test_a_line_with_an_exclamation_mark_cuts_the_prompt_off():
    assert "-- (cut off)" in printed(TryOut(VENDOR), "!1")
    assert "-- (cut off)" not in printed(TryOut(VENDOR), "1")


def test_keys_in_quotes_are_words():
    assert '"minutes": 25' in printed(TryOut(VENDOR), "1", '"25"')


def test_a_request_is_answered_by_typing():
    text = printed(TryOut(SUPPORT), "1", "4522#", '200 {"status": "delivered"}', "/hangup")
    assert "GET https://orders.invalid/4522" in text
    assert "has been delivered" in text
    assert text.endswith("-- the caller hung up\n")


@pytest.mark.parametrize("line", ["fail", "", "200", "999 x", "200 {broken", "200 " + "[" * 9000])
def test_any_typed_answer_of_the_business_goes_on(line: str):
    assert "can't look up" in printed(TryOut(SUPPORT), "1", "4522#", line)


def piped(try_out: TryOut, *lines: str) -> str:
    out: list[str] = []
    run(try_out, lines, out.append, show_prompt=False)
    return "".join(out)


def test_a_line_that_plays_the_web_service_is_asked_for_even_without_a_terminal():
    text = piped(TryOut(SUPPORT), "1", "4522#", "yes please", "/nobody")
    assert text.count("answer (200 {...} or fail)>") == 1
    assert "-- no answer (yes please): on to look_up_failed\n" in text
    assert text.count("transferred (/nobody or /hangup)>") == 1
    assert "ask_order>" not in text


@pytest.mark.parametrize("line", ["200", "200 {}", '204 {"status": null}'])
def test_an_answer_without_what_is_saved_says_why_it_fails(line: str):
    text = printed(TryOut(SUPPORT), "1", "4522#", line)
    assert f'-- {line[:3]} without "status", which is to be saved: on to look_up_failed\n' in text


@pytest.mark.parametrize("line", ['200 {"status": "delivered"}', "404", "500"])
def test_an_answer_that_lacks_nothing_is_taken_without_a_word(line: str):
    assert "on to" not in printed(TryOut(SUPPORT), "1", "4522#", line)


def test_the_help_says_that_the_web_service_is_played():
    text = printed(TryOut(VENDOR), "/help")
    assert text.count("you play the web service") == 2
    assert "--send-requests" in text


def test_a_transfer_may_find_nobody():
    text = printed(TryOut(SUPPORT), "9", "/nobody")
    assert "transfer to support [transferred]" in text
    assert text.endswith("-- hangs up [failed]\n")


def test_variables_and_help_can_be_looked_at():
    text = printed(TryOut(VENDOR, variables={"amount": "99.5"}), "/variables", "/what")
    assert "amount = 99.5" in text
    assert text.count("/hangup") == 2


def test_wrong_variables_are_named():
    with pytest.raises(VariablesInvalid, match="amount"):
        TryOut(VENDOR, variables={"amount": "much"})


@contextmanager
def business(body: bytes, status: int = 200) -> Iterator[str]:
    """A server that answers every GET with `body`."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_request_can_be_carried_out_over_http():
    with business(json.dumps({"status": "preparing"}).encode()) as url:
        try_out = TryOut(SUPPORT, variables={"status_url": url}, ask=real_request)
        assert "is being prepared" in printed(try_out, "1", "4522#")


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        (b"gone", 404, Responded(404, "gone")),
        (b"\xff\xfe", 200, Responded(200, "\ufffd\ufffd")),
        (b"x" * 200_000, 200, Failed("request", "the answer is over 100000 bytes")),
    ],
)
def test_odd_answers_over_http_are_taken(body: bytes, status: int, answer: object):
    with business(body, status) as url:
        assert real_request(Request("n", "GET", url, timeout_ms=5000)) == answer


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://", "nonsense", "http://[::bad"])
def test_an_address_that_does_not_answer_is_a_failure(url: str):
    answer = real_request(Request("n", "GET", url, timeout_ms=500))
    assert isinstance(answer, Failed)
