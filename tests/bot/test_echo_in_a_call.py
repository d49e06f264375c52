"""The bot does not hear itself: taps, echo and voice activity as a call joins them."""

import numpy as np
import pytest
from pipecat.frames.frames import InputAudioRawFrame, OutputAudioRawFrame

from bot.simulation.vendor_voices import clips
from bot.voice_activity import CallVoiceActivity
from processors.echo_placement import EchoPlacement
from speech.line_echo import LineEcho
from speech.pool import EnginePool
from speech.registry import make_synthesizer
from speech.stt import Pcm
from speech.vad import SileroSession
from telephony import mulaw
from telephony.simulator.phone_audio import to_line_rate

RATE_HZ = 8000
PACKET = 160
WINDOW = 256
ECHO_DB = -18.0
DELAY = RATE_HZ * 120 // 1000

TEXT = (
    "One potato, two potatoes, three potatoes, four. Five potatoes, six potatoes, seven "
    "potatoes, more. Eight potatoes, nine potatoes, ten potatoes, and no more than that."
)


async def bots_voice() -> Pcm:
    engine = make_synthesizer("espeak")
    await engine.start()
    try:
        clip = (await clips(engine, [TEXT]))[TEXT]
    finally:
        await engine.close()
    return to_line_rate(clip.pcm, clip.sample_rate_hz, RATE_HZ)


def over_the_line(pcm: Pcm) -> Pcm:
    return np.frombuffer(mulaw.decode(mulaw.encode(pcm.tobytes())), np.int16)


@pytest.mark.parametrize("lead_ms", [20, 80, 200])
async def test_a_speakerphone_gives_the_bot_nothing_to_hear(lead_ms: int) -> None:
    """Packets of 20 ms, sent `lead_ms` before they are played; the echo comes 120 ms after."""
    voice = await bots_voice()
    echo = np.concatenate((np.zeros(DELAY, np.int16), voice * 10 ** (ECHO_DB / 20)))
    heard = over_the_line(echo.astype(np.int16)[: len(voice)])
    echo_of_line, silero, now_s = LineEcho(sample_rate_hz=RATE_HZ), SileroSession(), 50.0
    taps = EchoPlacement(
        echo_of_line, RATE_HZ, unplayed_ms=lambda: float(lead_ms), monotonic_s=lambda: now_s
    )
    cleaned: list[float] = []
    raw: list[float] = []
    async with EnginePool(1) as pool:
        untouched = CallVoiceActivity(silero, pool, RATE_HZ)
        cleans = CallVoiceActivity(silero, pool, RATE_HZ, echo_of_line)
        pending = np.zeros(0, np.int16)
        lead = lead_ms * RATE_HZ // 1000
        for start in range(0, len(voice) - lead - PACKET, PACKET):
            sent = voice[start + lead - PACKET : start + lead] if start else voice[:lead]
            taps.bot(OutputAudioRawFrame(audio=sent.tobytes(), sample_rate=RATE_HZ, num_channels=1))
            packet = heard[start : start + PACKET]
            now_s += 0.02
            taps.caller(
                InputAudioRawFrame(audio=packet.tobytes(), sample_rate=RATE_HZ, num_channels=1)
            )
            pending = np.concatenate((pending, packet))
            while len(pending) >= WINDOW:
                raw.append((await untouched(pending[:WINDOW])).probability)
                cleaned.append((await cleans(pending[:WINDOW])).probability)
                pending = pending[WINDOW:]
    echo_of_line.close()
    assert sum(probability >= 0.5 for probability in raw) > len(raw) / 2
    assert sum(probability >= 0.5 for probability in cleaned) == 0
