"""The telephone on a real websocket, with bots that keep the protocol and bots that don't."""

import base64
import json

import numpy as np
import pytest

from telephony.simulator.clock import LineClock
from telephony.simulator.line_noise import Line
from telephony.simulator.measure import measure
from telephony.simulator.phone_audio import level_dbfs, tone
from telephony.simulator.script import (
    HangUp,
    Pause,
    Person,
    Press,
    Speak,
    StayOnLine,
    WaitForPrompt,
)
from telephony.simulator.stream_exotel import ExotelStream, ExotelVariant
from telephony.simulator.stream_twilio import TwilioStream
from telephony.simulator.telephone import Telephone
from telephony.simulator.violations import ProtocolViolated, StreamRefused

SPEED = 8.0


def twilio_telephone(*steps, speed=SPEED, **options):
    stream = TwilioStream("AC1", "CA1", "MZ1", {"call_id": "7"})
    return Telephone(stream, Person(steps), clock=LineClock(speed), **options)


def exotel_telephone(*steps, rate=8000, variant=None, **options):
    stream = ExotelStream("A", "C", "S", "1", "2", rate, {}, variant or ExotelVariant())
    return Telephone(stream, Person(steps), clock=LineClock(SPEED), **options)


async def test_a_call_by_keys_goes_from_prompt_to_goodbye_without_a_violation(bot_at, keypad):
    telephone = twilio_telephone(WaitForPrompt(), Press("1"), StayOnLine())
    result = await telephone.call(await bot_at(keypad))
    assert result.ended_by == "bot"
    assert result.violations == ()
    assert [key.digit for key in result.recording.pressed] == ["1"]
    assert [(mark.name, mark.played) for mark in result.recording.marks] == [
        ("question", True),
        ("bye", True),
    ]
    found = measure(result.recording)
    assert [reply.by for reply in found.replies] == ["key"]
    assert found.holes == ()
    assert found.bot_speech_ms == pytest.approx(1500, abs=30)


async def test_the_bot_is_sent_frames_of_20_ms_that_never_drift(bot_at, twilio_bot):
    seen = []

    async def listener(socket):
        bot = twilio_bot(socket)
        await bot.until("stop")
        seen.extend(bot.messages)

    await twilio_telephone(Pause(2000), HangUp()).call(await bot_at(listener))
    assert [message["event"] for message in seen[:2]] == ["connected", "start"]
    assert seen[-1]["event"] == "stop"
    media = [message["media"] for message in seen if message["event"] == "media"]
    assert [int(one["timestamp"]) for one in media] == [20 * n for n in range(len(media))]
    assert [int(one["chunk"]) for one in media] == list(range(1, len(media) + 1))
    assert {len(base64.b64decode(one["payload"])) for one in media} == {160}
    assert len(media) == 101  # 2 s, and the tick in which the person hung up
    numbered = [int(message["sequenceNumber"]) for message in seen[1:]]
    assert numbered == list(range(1, len(seen)))


async def test_a_clear_silences_the_bot_and_frees_its_marks(bot_at, twilio_bot):
    async def interrupted(socket):
        bot = twilio_bot(socket)
        await bot.begin()
        await bot.play(tone(440, 20_000, 8000))
        await bot.mark("end")
        await bot.until("dtmf")
        await bot.send("clear")
        assert (await bot.until("mark"))["mark"]["name"] == "end"

    telephone = twilio_telephone(Pause(1000), Press("1"), StayOnLine())
    result = await telephone.call(await bot_at(interrupted))
    assert [(mark.name, mark.played) for mark in result.recording.marks] == [("end", False)]
    assert result.clears == 1
    assert len(measure(result.recording).barge_ins) == 1
    assert result.recording.duration_ms < 10_000


async def test_a_person_who_hangs_up_ends_the_call_with_a_stop(bot_at, twilio_bot):
    async def listener(socket):
        await twilio_bot(socket).until("stop")

    result = await twilio_telephone(Pause(200), HangUp()).call(await bot_at(listener))
    assert result.ended_by == "person"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"\xff" * 160, "31950"),
        ("not json", "31951"),
        ('{"event":"dtmf","streamSid":"MZ1","dtmf":{"digit":"1"}}', "31951"),
        ('{"event":"clear","streamSid":"MZ-other"}', "31951"),
    ],
)
async def test_what_a_carrier_would_reject_is_reported_once_and_counted(
    bot_at, twilio_bot, message, code
):
    async def ill_behaved(socket):
        await twilio_bot(socket).begin()
        for _ in range(5):
            await socket.send(message)
        await socket.recv()

    result = await twilio_telephone(StayOnLine()).call(await bot_at(ill_behaved))
    assert [violation.code for violation in result.violations] == [code]
    assert result.refused_messages == 5


async def test_a_telephone_that_fails_fast_raises_at_the_first_violation(
    bot_at, twilio_bot, wait_closed
):
    async def ill_behaved(socket):
        await twilio_bot(socket).begin()
        await socket.send(b"\x00")
        await wait_closed(socket)

    telephone = twilio_telephone(StayOnLine(), fail_fast=True)
    with pytest.raises(ProtocolViolated, match="31950"):
        await telephone.call(await bot_at(ill_behaved))


async def test_more_than_ten_minutes_buffered_is_discarded(bot_at, twilio_bot):
    async def chatterbox(socket):
        bot = twilio_bot(socket)
        await bot.begin()
        minute = np.zeros(60 * 8000, dtype=np.int16)
        for _ in range(11):
            await bot.play(minute)
        await bot.send("clear")
        await bot.until("stop")

    result = await twilio_telephone(Pause(2000), HangUp()).call(await bot_at(chatterbox))
    assert [violation.code for violation in result.violations] == ["31931"]


async def exotel_start(socket):
    while json.loads(await socket.recv())["event"] != "start":
        pass


def exotel_media(pcm):
    payload = base64.b64encode(pcm.astype("<i2").tobytes()).decode()
    return json.dumps({"event": "media", "stream_sid": "S", "media": {"payload": payload}})


async def test_an_exotel_bot_that_bursts_is_reported(bot_at):
    async def bursting(socket):
        await exotel_start(socket)
        for _ in range(50):
            await socket.send(exotel_media(tone(440, 100, 8000)))

    result = await exotel_telephone(StayOnLine()).call(await bot_at(bursting))
    assert [violation.code for violation in result.violations] == ["exotel-burst"]


@pytest.mark.parametrize("rate", [8000, 16000, 24000])
async def test_exotel_is_sent_100_ms_packets_at_its_rate(bot_at, rate):
    packets = []

    async def listener(socket):
        async for text in socket:
            message = json.loads(text)
            if message["event"] == "media":
                packets.append(message["media"])
            if message["event"] == "stop":
                assert message["stop"]["reason"] == "callended"
                return

    telephone = exotel_telephone(Pause(1000), HangUp(), rate=rate)
    await telephone.call(await bot_at(listener))
    assert {len(base64.b64decode(one["payload"])) for one in packets} == {rate // 10 * 2}
    assert [int(one["timestamp"]) for one in packets] == [100 * n for n in range(1, 11)]


@pytest.mark.parametrize("echoes", [False, True])
async def test_exotels_clear_spares_the_started_packet_and_marks_may_not_come(bot_at, echoes):
    async def clearing(socket):
        await exotel_start(socket)
        await socket.send(exotel_media(tone(440, 1000, 8000)))
        await socket.send(exotel_media(tone(440, 1000, 8000)))
        await socket.send(json.dumps({"event": "mark", "mark": {"name": "end"}}))
        while json.loads(await socket.recv())["event"] != "dtmf":
            pass
        await socket.send(json.dumps({"event": "clear"}))
        while json.loads(await socket.recv())["event"] != "stop":
            pass

    variant = ExotelVariant(marks_after_clear=echoes)
    telephone = exotel_telephone(
        Pause(500), Press("1"), Pause(2500), HangUp(), variant=variant, jitter_buffer_ms=0
    )
    result = await telephone.call(await bot_at(clearing))
    assert result.violations == ()
    assert measure(result.recording).bot_speech_ms == pytest.approx(1000, abs=30)
    assert [mark.name for mark in result.recording.marks] == (["end"] if echoes else [])


async def test_noise_and_echo_are_on_the_line_and_not_in_the_clean_voice(bot_at, keypad):
    line = Line(noise_dbfs=-40.0, echo_db=-10.0, echo_delay_ms=100)
    telephone = twilio_telephone(WaitForPrompt(), Press("1"), StayOnLine(), line=line)
    recording = (await telephone.call(await bot_at(keypad))).recording
    assert not recording.said.any()
    onset = int(np.flatnonzero(recording.played)[0])
    before, during = recording.sent[: onset + 700], recording.sent[onset + 1600 : onset + 6400]
    assert level_dbfs(before) == pytest.approx(-40, abs=1)
    assert level_dbfs(during) == pytest.approx(-25, abs=1)  # the prompt's -15, less 10


async def test_lost_packets_leave_gaps_in_the_timestamps(bot_at, twilio_bot, clip):
    stamps = []

    async def listener(socket):
        bot = twilio_bot(socket)
        await bot.until("stop")
        stamps.extend(int(m["media"]["timestamp"]) for m in bot.messages if m["event"] == "media")

    line = Line(packet_loss_percent=20.0, jitter_ms=40.0, seed=3)
    telephone = twilio_telephone(Speak(clip, 8000), Pause(1000), HangUp(), line=line)
    result = await telephone.call(await bot_at(listener))
    assert stamps == sorted(stamps)
    assert 60 <= len(stamps) <= 95
    assert result.recording.said.size == result.recording.sent.size


async def test_the_recording_is_saved_with_the_person_left_and_the_bot_right(
    bot_at, keypad, clip, tmp_path
):
    import soundfile

    telephone = twilio_telephone(WaitForPrompt(), Speak(clip, 8000, "yes"), Press("1"))
    recording = (await telephone.call(await bot_at(keypad))).recording
    recording.save(tmp_path / "call.wav")
    frames, rate = soundfile.read(tmp_path / "call.wav", dtype="int16")
    assert rate == 8000
    assert np.array_equal(frames[:, 0], recording.said)
    assert np.array_equal(frames[:, 1], recording.played)


@pytest.mark.parametrize(("url", "code"), [("ws://127.0.0.1:9/x", "31902"), ("not a url", "31923")])
async def test_a_stream_that_does_not_open_is_refused_with_the_carriers_code(url, code):
    with pytest.raises(StreamRefused, match=code):
        await twilio_telephone(StayOnLine()).call(url)
