"""What the carrier's end sends, letter by letter, and what it refuses."""

import base64
import json

import numpy as np
import pytest

from telephony.simulator.phone_audio import mulaw_to_pcm, pcm_to_mulaw
from telephony.simulator.stream_exotel import ExotelStream, ExotelVariant
from telephony.simulator.stream_messages import BotClear, BotMark, BotMedia, Rejected
from telephony.simulator.stream_twilio import TwilioStream

PCM = np.zeros(160, dtype=np.int16)


def twilio():
    return TwilioStream("AC1", "CA1", "MZ1", {"token": "one-time"})


def exotel(rate=8000, **options):
    return ExotelStream(
        "A", "C", "S", "+919876543210", "+918047491899", rate, {"k": "v"}, ExotelVariant(**options)
    )


def b64(count):
    return base64.b64encode(bytes(count)).decode()


def test_twilio_begins_as_its_documents_say():
    stream = twilio()
    assert json.loads(stream.connected()) == {
        "event": "connected",
        "protocol": "Call",
        "version": "1.0.0",
    }
    assert json.loads(stream.start()) == {
        "event": "start",
        "sequenceNumber": "1",
        "start": {
            "accountSid": "AC1",
            "streamSid": "MZ1",
            "callSid": "CA1",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": "one-time"},
        },
        "streamSid": "MZ1",
    }


def test_twilios_counters_are_texts_and_each_counts_its_own():
    stream = twilio()
    stream.start()
    stream.dtmf("5")
    media = json.loads(stream.media(PCM, 40))
    assert media["sequenceNumber"] == "3"
    assert media["media"] == {
        "track": "inbound",
        "chunk": "1",
        "timestamp": "40",
        "payload": base64.b64encode(b"\xff" * 160).decode(),
    }


def test_a_lost_packet_can_leave_a_hole_in_the_counters():
    stream = twilio()
    stream.media(PCM, 0)
    stream.skip_packet()
    media = json.loads(stream.media(PCM, 40))
    assert (media["sequenceNumber"], media["media"]["chunk"]) == ("3", "3")


def test_exotel_begins_in_snake_case_with_texts():
    start = json.loads(exotel().start())
    assert start["sequence_number"] == "1"
    assert start["start"]["custom_parameters"] == {"k": "v"}
    assert start["start"]["media_format"] == {
        "encoding": "base64",
        "sample_rate": "8000",
        "bit_rate": "128kbps",
    }


def test_exotel_in_camel_case_keeps_the_names_of_the_parameters():
    stream = ExotelStream(
        "A", "C", "S", "1", "2", 8000, {"call_sid": "mine"}, ExotelVariant(camel_case=True)
    )
    start = json.loads(stream.start())
    assert start["streamSid"] == "S"
    assert start["start"]["callSid"] == "C"
    assert start["start"]["customParameters"] == {"call_sid": "mine"}
    assert "sampleRate" in start["start"]["mediaFormat"]


@pytest.mark.parametrize(
    ("options", "where", "value"),
    [
        ({"numbers_as_int": True}, ("media_format", "sample_rate"), 16000),
        ({"sample_rate_text": "16kHz"}, ("media_format", "sample_rate"), "16kHz"),
        ({"encoding": "raw"}, ("media_format", "encoding"), "raw"),
        ({"call_id_field": "leg_sid"}, ("leg_sid",), "C"),
        ({"parameters_as_keys": True}, ("custom_parameters", "k=v"), ""),
    ],
)
def test_exotels_variants(options, where, value):
    found = json.loads(exotel(16000, **options).start())["start"]
    for name in where:
        found = found[name]
    assert found == value


def test_exotels_counters_can_be_numbers():
    media = json.loads(exotel(numbers_as_int=True).media(np.zeros(800, dtype=np.int16), 0))
    assert media["sequence_number"] == 1
    assert media["media"]["chunk"] == 1


def message(**fields):
    return json.dumps(fields)


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        (b"\x00\x01", "31950", "binary"),
        ("{", "31951", "JSON"),
        ("[1]", "31951", "list"),
        ("null", "31951", "NoneType"),
        ("[" * 100_000, "31951", "JSON"),
        (message(event="dtmf", streamSid="MZ1"), "31951", "dtmf"),
        (message(event=["media"], streamSid="MZ1"), "31951", "unknown"),
        (message(streamSid="MZ1"), "31951", "unknown"),
        (message(event="clear"), "31951", "missing streamSid"),
        (message(event="clear", streamSid="MZ2"), "31951", "MZ2"),
        (message(event="clear", streamSid="MZ1", extra=1), "31951", "extra extra"),
        (message(event="mark", streamSid="MZ1", mark=None), "31951", "mark"),
        (message(event="mark", streamSid="MZ1", mark={}), "31951", "missing name"),
        (message(event="mark", streamSid="MZ1", mark={"name": 1}), "31951", "name"),
        (message(event="media", streamSid="MZ1"), "31951", "missing media"),
        (message(event="media", streamSid="MZ1", media={"payload": "***"}), "31951", "base64"),
        (message(event="media", streamSid="MZ1", media={"payload": "abc"}), "31951", "base64"),
        (message(event="media", streamSid="MZ1", media={"payload": 5}), "31951", "base64"),
        (
            message(event="media", streamSid="MZ1", media={"payload": "", "track": "outbound"}),
            "31951",
            "extra track",
        ),
        (message(event="media", streamSid="MZ1", media={"payload": "UklGRg=="}), "31951", "WAV"),
    ],
)
def test_twilio_refuses(text, code, word):
    refused = twilio().read(text)
    assert isinstance(refused, Rejected)
    assert refused.code == code
    assert word in refused.text


def test_twilio_takes_any_size_of_payload():
    heard = twilio().read(message(event="media", streamSid="MZ1", media={"payload": b64(7)}))
    assert isinstance(heard, BotMedia)
    assert heard.pcm.tolist() == [-32124] * 7  # zeros are full scale in mu-law, and not silence


@pytest.mark.parametrize(
    ("rate", "size", "code"),
    [
        (8000, 640, "exotel-packet-short"),
        (8000, 1516, "exotel-packet-multiple"),
        (8000, 1601, "exotel-packet-multiple"),
        (16000, 1600, "exotel-packet-short"),
        (8000, 100_160, "exotel-packet-long"),
        (8000, 0, "exotel-packet-short"),
    ],
)
def test_exotel_refuses_packets_of_a_wrong_size(rate, size, code):
    refused = exotel(rate).read(
        message(event="media", stream_sid="S", media={"payload": b64(size)})
    )
    assert isinstance(refused, Rejected)
    assert refused.code == code


@pytest.mark.parametrize("rate_and_size", [(8000, 1600), (8000, 99_840), (16000, 3200)])
@pytest.mark.parametrize("sid", [{}, {"stream_sid": "S"}, {"streamSid": "S"}])
def test_exotel_takes_packets_of_a_right_size_with_the_stream_id_or_without(rate_and_size, sid):
    rate, size = rate_and_size
    heard = exotel(rate).read(message(event="media", media={"payload": b64(size)}, **sid))
    assert isinstance(heard, BotMedia)
    assert heard.pcm.size == size // 2


@pytest.mark.parametrize(
    "text",
    [b"x", "nonsense", message(event="stop"), message(event="clear", streamSid="other"), "{}"],
)
def test_exotel_refuses_what_is_no_message_of_its_protocol(text):
    assert isinstance(exotel().read(text), Rejected)


def test_marks_and_clears_are_read():
    assert twilio().read(message(event="clear", streamSid="MZ1")) == BotClear()
    assert exotel().read(message(event="mark", mark={"name": "m"})) == BotMark("m")


def test_the_codec_is_the_standards():
    assert mulaw_to_pcm(b"\xff\x7f\x00\x80").tolist() == [0, 0, -32124, 32124]
    every = bytes(range(256))
    again = pcm_to_mulaw(mulaw_to_pcm(every))
    assert [code for code in range(256) if again[code] != code] == [0x7F]  # negative zero


def test_the_codec_keeps_speech_within_its_known_noise():
    wave = (np.sin(np.arange(8000) * 0.3456) * 12000).astype(np.int16)
    error = mulaw_to_pcm(pcm_to_mulaw(wave)).astype(float) - wave
    assert 10 * np.log10(np.mean(wave.astype(float) ** 2) / np.mean(error**2)) > 35
