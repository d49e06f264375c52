"""The carriers' streams as Pipecat frames, message by message."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from loguru import logger
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InputDTMFFrame,
    InputTransportMessageFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputTransportMessageFrame,
    OutputTransportMessageUrgentFrame,
    TTSAudioRawFrame,
)

from telephony import mulaw
from telephony.errors import RateMismatch, SecondStart
from telephony.exotel_media import ExotelMediaSerializer, packet_ms
from telephony.media_messages import StreamStart, parse_message
from telephony.twilio_media import TwilioMediaSerializer
from tests.telephony import line_messages as lm

Serializer = TwilioMediaSerializer | ExotelMediaSerializer


def twilio() -> TwilioMediaSerializer:
    start = parse_message(json.dumps(lm.twilio_start()), "twilio")
    assert isinstance(start, StreamStart)
    return TwilioMediaSerializer(start)


def exotel(rate_hz: int = 8000, **options: Any) -> ExotelMediaSerializer:
    start = parse_message(json.dumps(lm.exotel_start(sample_rate=rate_hz)), "exotel")
    assert isinstance(start, StreamStart)
    return ExotelMediaSerializer(start, **options)


async def heard(serializer: Serializer, *messages: object) -> list[Frame]:
    frames = [await serializer.deserialize(json.dumps(message)) for message in messages]
    return [frame for frame in frames if frame is not None]


async def audio_of(serializer: Serializer, *messages: object) -> bytes:
    frames = await heard(serializer, *messages)
    return b"".join(frame.audio for frame in frames if isinstance(frame, InputAudioRawFrame))


def mark(name: str) -> OutputTransportMessageFrame:
    return OutputTransportMessageFrame(message={"event": "mark", "mark": {"name": name}})


async def test_twilios_mu_law_comes_in_at_the_lines_rate_without_delay():
    [frame] = await heard(twilio(), lm.twilio_media(1, b"\x80" * 160))
    assert isinstance(frame, InputAudioRawFrame)
    assert (frame.sample_rate, frame.num_channels) == (8000, 1)
    assert frame.audio == (32124).to_bytes(2, "little") * 160


@pytest.mark.parametrize("rate_hz", [8000, 16000, 24000])
async def test_exotels_pcm_comes_in_unchanged_at_the_rate_it_declares(rate_hz: int):
    pcm = bytes(range(256)) * (rate_hz // 1280)
    [frame] = await heard(exotel(rate_hz), lm.exotel_media(1, pcm))
    assert isinstance(frame, InputAudioRawFrame)
    assert (frame.audio, frame.sample_rate) == (pcm, rate_hz)


async def test_exotel_is_mu_law_only_where_the_setting_says_so():
    assert await audio_of(exotel(), lm.exotel_media(1, b"\xff\xff")) == b"\xff\xff"
    assert await audio_of(exotel(encoding="mulaw"), lm.exotel_media(1, b"\xff\xff")) == bytes(4)
    with pytest.raises(ValueError, match="8000 Hz"):
        exotel(16000, encoding="mulaw")


async def test_what_twilio_is_sent_is_the_documented_json():
    serializer = twilio()
    frame = OutputAudioRawFrame(bytes(320), sample_rate=8000, num_channels=1)
    media = await serializer.serialize(frame)
    assert json.loads(media or "") == {
        "event": "media",
        "streamSid": lm.TWILIO_SID,
        "media": {"payload": lm.b64(b"\xff" * 160)},
    }
    clear = await serializer.serialize(InterruptionFrame())
    assert json.loads(clear or "") == {"event": "clear", "streamSid": lm.TWILIO_SID}
    assert serializer.line.counters.audio_sent_ms == 20


@pytest.mark.parametrize("size", [2, 320, 1600, 1602, 1918])
async def test_what_exotel_is_sent_is_a_multiple_of_320_bytes_with_a_silent_tail(size: int):
    frame = TTSAudioRawFrame(b"\x01\x02" * (size // 2), sample_rate=8000, num_channels=1)
    message = json.loads(await exotel().serialize(frame) or "")
    payload = base64.b64decode(message["media"]["payload"])
    assert len(payload) % 320 == 0
    assert payload == frame.audio + bytes(-size % 320)


async def test_a_mu_law_tail_is_padded_with_mu_law_silence():
    frame = OutputAudioRawFrame(b"\x00\x10" * 10, sample_rate=8000, num_channels=1)
    message = json.loads(await exotel(encoding="mulaw").serialize(frame) or "")
    assert base64.b64decode(message["media"]["payload"])[10:] == b"\xff" * 310


def test_exotels_packets_are_1600_bytes_at_8_khz():
    assert (packet_ms("s16le") * 16, packet_ms("mulaw") * 8) == (1600, 1600)


async def test_audio_at_another_rate_than_the_lines_is_refused_by_name():
    with pytest.raises(RateMismatch, match=r"16000 Hz .* 8000 Hz"):
        await twilio().serialize(OutputAudioRawFrame(bytes(640), sample_rate=16000, num_channels=1))


async def test_messages_of_others_never_reach_the_carrier():
    for message in ({"label": "rtvi-ai"}, {"event": "mark"}, {"event": "hangup"}, "x", None):
        frame = OutputTransportMessageUrgentFrame(message=message)
        assert await twilio().serialize(frame) is None


async def test_a_mark_comes_back_as_it_was_sent():
    serializer = twilio()
    assert json.loads(await serializer.serialize(mark("m1")) or "")["mark"] == {"name": "m1"}
    [frame] = await heard(serializer, lm.twilio_mark(4, "m1"))
    assert isinstance(frame, InputTransportMessageFrame)
    assert frame.message == {"event": "mark", "mark": {"name": "m1"}}


async def test_a_mark_has_its_place_on_the_line():
    serializer = twilio()
    await serializer.serialize(mark("m1"))
    media = [lm.twilio_media(1), lm.twilio_media(2)]
    frames = await heard(serializer, *media, lm.twilio_mark(4, "m1"))
    assert frames[-1].metadata["line_ms"] == 40


async def test_a_mark_that_clear_sent_back_is_flagged():
    serializer = twilio()
    await serializer.serialize(mark("m1"))
    await serializer.serialize(InterruptionFrame())
    await serializer.serialize(mark("m2"))
    frames = await heard(serializer, lm.twilio_mark(4, "m1"), lm.twilio_mark(5, "m2"))
    assert [frame.message for frame in frames if isinstance(frame, InputTransportMessageFrame)] == [
        {"event": "mark", "mark": {"name": "m1"}, "cleared": True},
        {"event": "mark", "mark": {"name": "m2"}},
    ]


async def test_a_mark_nobody_sent_is_not_believed():
    serializer = twilio()
    assert await heard(serializer, lm.twilio_mark(4, "m1")) == []
    assert serializer.line.counters.unknown_marks == 1


@pytest.mark.parametrize("reason", ["callended", "stopped"])
async def test_the_end_is_told_once_with_its_reason(reason: str):
    serializer = exotel()
    frames = await heard(serializer, lm.exotel_stop(9, reason), lm.exotel_stop(10, reason))
    assert len(frames) == 1
    assert isinstance(frames[0], InputTransportMessageFrame)
    assert frames[0].message == {"event": "stop", "reason": reason}


async def test_lost_packets_are_made_up_for_and_duplicates_vanish():
    serializer = twilio()
    loud = b"\x80" * 160
    messages = [lm.twilio_media(n, loud) for n in (1, 2, 2, 5, 4, 6)]
    audio = await audio_of(serializer, *messages)
    assert len(audio) == 6 * 320
    made_up = np.frombuffer(audio[2 * 320 : 4 * 320], "<i2")
    assert made_up[0] == np.frombuffer(mulaw.decode(loud), "<i2")[0]
    assert 0 < made_up[-1] < made_up[0] / 2  # it fades; past 60 ms there is silence
    counters = serializer.line.counters
    assert (counters.duplicate_messages, counters.late_messages, counters.gaps) == (1, 1, 1)
    assert (counters.filled_ms, counters.audio_received_ms) == (40, 120)
    assert counters.last_media_timestamp_ms == 120


async def test_the_bots_own_track_is_not_taken_for_the_caller():
    serializer = twilio()
    assert await audio_of(serializer, lm.twilio_media(1, track="outbound")) == b""
    assert serializer.line.counters.foreign_messages == 1


async def test_messages_of_another_stream_are_ignored():
    serializer = exotel()
    foreign = [lm.exotel_media(1), lm.exotel_dtmf(2, "1"), lm.exotel_stop(3)]
    assert await heard(serializer, *({**m, "stream_sid": "other"} for m in foreign)) == []
    assert serializer.line.counters.foreign_messages == 3


async def test_a_key_has_its_duration_and_its_place_on_the_line():
    frames = await heard(exotel(), lm.exotel_media(1), lm.exotel_dtmf(7, "#", "120"))
    key = frames[1]
    assert isinstance(key, InputDTMFFrame)
    assert key.button.value == "#"
    assert (key.metadata["duration_ms"], key.metadata["line_ms"]) == (120, 100)


async def keys(serializer: Serializer, *messages: object) -> str:
    frames = await heard(serializer, *messages)
    return "".join(frame.button.value for frame in frames if isinstance(frame, InputDTMFFrame))


async def test_a_key_message_sent_twice_is_one_press():
    assert await keys(twilio(), lm.twilio_dtmf(5, "1"), lm.twilio_dtmf(5, "1")) == "1"


async def test_the_same_key_told_again_while_it_was_down_is_one_press():
    messages = [lm.exotel_media(1), lm.exotel_dtmf(3, "5", "300"), lm.exotel_media(2)]
    assert await keys(exotel(), *messages, lm.exotel_dtmf(5, "5", "300")) == "5"


async def test_the_same_key_pressed_again_is_two_presses():
    messages = [lm.exotel_media(1), lm.exotel_dtmf(3, "5"), lm.exotel_media(2)]
    assert await keys(exotel(), *messages, lm.exotel_dtmf(5, "5")) == "55"
    assert await keys(twilio(), lm.twilio_dtmf(5, "1"), lm.twilio_dtmf(6, "1")) == "11"


async def test_keys_that_a_frame_can_not_carry_are_counted():
    serializer = twilio()
    assert await keys(serializer, *(lm.twilio_dtmf(n, d) for n, d in enumerate("1A2D"))) == "12"
    assert serializer.line.counters.unsupported_digits == 2


BAD: list[str | bytes] = [
    "[1]",
    "null",
    "not json",
    "[" * 50_000,
    b"\xff\xfe\x00",
    b"{}",
    json.dumps({**lm.exotel_media(9), "media": None}),
    json.dumps({**lm.exotel_media(9), "media": {"payload": "AAA"}}),
    json.dumps(lm.exotel_media(9, b"odd")),
    json.dumps({**lm.exotel_dtmf(9, "1"), "dtmf": None}),
    json.dumps({"event": "start"}),
    json.dumps({"event": "stop", "stop": None}),
]


async def test_bad_messages_are_counted_and_the_next_good_one_is_heard():
    serializer = exotel()
    assert [await serializer.deserialize(data) for data in BAD] == [None] * len(BAD)
    assert serializer.bad_messages == len(BAD)
    assert await audio_of(serializer, lm.exotel_media(1)) == bytes(1600)


async def test_a_flood_of_bad_messages_is_one_line_in_the_log():
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="WARNING")
    try:
        serializer = twilio()
        for _ in range(200):
            await serializer.deserialize("[1]")
    finally:
        logger.remove(sink)
    mine = [line for line in lines if "bad message" in line]
    assert len(mine) in (1, 2)  # two where the second turned meanwhile
    assert serializer.bad_messages == 200


async def test_neither_a_digit_nor_a_payload_is_ever_logged():
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="TRACE")
    try:
        await twilio().deserialize(json.dumps(lm.twilio_dtmf(1, "4929SECRET")))
        await twilio().deserialize(
            json.dumps({**lm.twilio_media(1), "media": {"payload": "SECRET!"}})
        )
    finally:
        logger.remove(sink)
    assert len(lines) == 2
    assert not any("SECRET" in line for line in lines)


async def test_a_second_start_is_raised_for_the_connection_to_be_closed():
    for serializer, start in ((twilio(), lm.twilio_start()), (exotel(), lm.exotel_start())):
        with pytest.raises(SecondStart) as caught:
            await serializer.deserialize(json.dumps(start))
        assert caught.value.close_code == 1002


async def test_a_peer_that_claims_a_gap_behind_each_packet_cannot_fill_the_memory():
    serializer = twilio()
    messages = [lm.twilio_media(1 + 100 * n) for n in range(100)]
    audio = await audio_of(serializer, *messages)
    assert len(audio) / 16 <= 10_000 + 100 * 20 + 1_000  # ms
