import pytest

from telephony.simulator.twiml import (
    Connect,
    Dial,
    Gather,
    Hangup,
    Pause,
    Play,
    Redirect,
    Reject,
    Say,
    Stream,
    parse_twiml,
)
from telephony.simulator.violations import TwimlRefused


@pytest.mark.parametrize(
    ("body", "verbs"),
    [
        ("", ()),
        (
            '<Connect><Stream url="wss://b/ws"><Parameter name="token" value="t"/></Stream>'
            "</Connect><Redirect>/after</Redirect>",
            (Connect(Stream("wss://b/ws", (("token", "t"),))), Redirect("/after")),
        ),
        ("<Hangup/>", (Hangup(),)),
        ('<Reject reason="busy"/>', (Reject("busy"),)),
        ('<Dial action="/d">+14155550100</Dial>', (Dial("+14155550100", "/d"),)),
        ("<Dial><Number>+14155550100</Number></Dial>", (Dial("+14155550100"),)),
        ('<Say language="hi-IN">नमस्ते</Say>', (Say("नमस्ते", "hi-IN"),)),
        ('<Play digits="ww1234#"/>', (Play("", "ww1234#"),)),
        ('<Pause length="3"/>', (Pause(3),)),
        (
            '<Gather numDigits="1" action="/g"><Say>Press one</Say></Gather>',
            (Gather((Say("Press one"),), "/g", num_digits=1),),
        ),
    ],
)
def test_what_a_carrier_reads(body, verbs):
    assert parse_twiml(f"<?xml version='1.0'?><Response>{body}</Response>") == verbs


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ("", "XML"),
        ("{}", "XML"),
        ("<Response><Say></Response>", "XML"),
        ("<response/>", "root"),
        ("<Response><Dance/></Response>", "Dance"),
        ("<Response><Connect/></Response>", "Stream"),
        ("<Response><Connect><Stream/></Connect></Response>", "url"),
        (
            '<Response><Connect><Stream url="wss://b" track="both_tracks"/></Connect></Response>',
            "31941",
        ),
        (
            '<Response><Connect><Stream url="wss://b"><Parameter name="a"/></Stream></Connect>'
            "</Response>",
            "Parameter",
        ),
        (
            f'<Response><Connect><Stream url="wss://b"><Parameter name="a" value="{"x" * 499}"/>'
            "</Stream></Connect></Response>",
            "500",
        ),
        ('<Response><Pause length="soon"/></Response>', "length"),
        ("<Response><Redirect> </Redirect></Response>", "Redirect"),
        ("<Response><Dial/></Response>", "nobody"),
        ('<Response><Play digits="x"/></Response>', "digits"),
        ('<Response><Gather input="speech"/></Response>', "dtmf"),
    ],
)
def test_what_a_carrier_cannot_carry_out_is_refused_by_name(document, word):
    with pytest.raises(TwimlRefused, match=word):
        parse_twiml(document)
