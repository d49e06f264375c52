"""The bot's own voice comes back from a telephone, and only the caller is left of it."""

import asyncio
import itertools
import wave

import numpy as np
import numpy.typing as npt
import psutil
import pytest

from speech.echo import LATENCY_SAMPLES, TAIL_MS, EchoCanceller
from speech.engines.espeak import EspeakSynthesizer
from speech.engines.moonshine import weights_folder
from speech.errors import EngineFailed
from speech.resampling import resample
from speech.stt import Pcm
from speech.tts import SpeechRequest
from speech.vad import SileroSession
from telephony import mulaw

RATE_HZ = 8_000
WORDS = (
    "Hello, this is an automated call about your order. The order has three items. "
    "Two plates of rice, one bowl of soup, and a bottle of water. "
    "Please press one to confirm the order, or press two to reject it."
)


@pytest.fixture(scope="module")
def silero() -> SileroSession:
    return SileroSession()


@pytest.fixture(scope="module")
def bot() -> Pcm:
    """Some ten seconds of espeak's voice, as a telephone hears it; whole packets of 20 ms."""

    async def speak() -> Pcm:
        espeak = EspeakSynthesizer()
        await espeak.start()
        try:
            parts = [part async for part in espeak.synthesize(SpeechRequest(WORDS, "en"))]
        finally:
            await espeak.close()
        return np.concatenate(parts)

    engine_hz = EspeakSynthesizer().sample_rate_hz
    pcm = line(resample(asyncio.run(speak()), engine_hz, RATE_HZ) * 32767)
    return pcm[: len(pcm) // 160 * 160]


@pytest.fixture(scope="module")
def caller() -> Pcm:
    """Two seconds of a man reading."""
    with wave.open(str(weights_folder().parent / "two_cities.wav")) as audio:
        pcm = np.frombuffer(audio.readframes(2 * audio.getframerate()), np.int16)
        return line(resample(pcm, audio.getframerate(), RATE_HZ) * 32767)


def line(samples: npt.NDArray[np.floating]) -> Pcm:
    """There and back through mu-law."""
    pcm = np.clip(samples, -32768, 32767).astype(np.int16)
    return np.frombuffer(mulaw.decode(mulaw.encode(pcm.tobytes())), np.int16)


def echo_of(pcm: Pcm, *, level_db: float, delay_ms: int) -> npt.NDArray[np.float64]:
    """What a speakerphone in a small room sends back: `delay_ms` late, decaying for 60 ms."""
    rng = np.random.default_rng(7)
    decay = rng.standard_normal(480) * np.exp(-np.arange(480) / 120)
    decay[0] = 2.0
    room = decay / np.sqrt(decay @ decay) * 10 ** (level_db / 20)
    late = np.concatenate((np.zeros(delay_ms * RATE_HZ // 1000), np.convolve(pcm, room)))
    return late[: len(pcm)] + rng.standard_normal(len(pcm)) * 4


def cleaned(heard: Pcm, reference: Pcm, packet: int = 160) -> Pcm:
    """The call packet by packet, the bot's audio first."""
    echo = EchoCanceller(sample_rate_hz=RATE_HZ)
    out: list[Pcm] = []
    for at in range(0, len(heard), packet):
        echo.played(reference[at : at + packet], at_sample=at)
        out.append(echo.clean(heard[at : at + packet]))
    echo.close()
    return np.concatenate(out)


def voiced(silero: SileroSession, pcm: Pcm) -> npt.NDArray[np.bool_]:
    return np.array(silero.open(sample_rate_hz=RATE_HZ).push(pcm)) >= 0.5


def longest_voice_ms(silero: SileroSession, pcm: Pcm) -> int:
    runs = itertools.groupby(voiced(silero, pcm).tolist())
    return max((32 * len(list(run)) for is_voice, run in runs if is_voice), default=0)


def level_db(pcm: Pcm) -> float:
    return float(10 * np.log10(np.mean(pcm.astype(np.float64) ** 2) + 1e-3))


@pytest.mark.parametrize("db", [-15, -18, -24, -30])
@pytest.mark.parametrize("delay_ms", [50, 80, 200, 400])
def test_the_bots_own_echo_is_no_speech(
    silero: SileroSession, bot: Pcm, db: int, delay_ms: int
) -> None:
    heard = line(echo_of(bot, level_db=db, delay_ms=delay_ms))
    rest = cleaned(heard, bot)
    assert voiced(silero, heard).sum() > 100
    assert longest_voice_ms(silero, rest) < 64, "it would duck the bot"
    late = slice(3 * RATE_HZ, None)
    assert level_db(heard[late]) - level_db(rest[late]) > 15


def test_an_echo_whose_delay_changes_is_taken_out_again_within_two_seconds(
    silero: SileroSession, bot: Pcm
) -> None:
    """In between it can be heard: measured, some 500 ms, which does interrupt the bot."""
    before = echo_of(np.tile(bot, 2), level_db=-18, delay_ms=120)
    after = echo_of(np.tile(bot, 2), level_db=-18, delay_ms=240)
    heard = line(np.concatenate((before[: len(bot)], after[len(bot) :])))
    rest = cleaned(heard, np.tile(bot, 2))
    assert longest_voice_ms(silero, rest[: len(bot)]) < 64
    assert longest_voice_ms(silero, rest[len(bot) + 2 * RATE_HZ :]) < 64


def test_a_caller_who_talks_over_the_bot_is_heard(
    silero: SileroSession, bot: Pcm, caller: Pcm
) -> None:
    at = 5 * RATE_HZ
    heard = echo_of(bot, level_db=-18, delay_ms=200)
    heard[at : at + len(caller)] += caller
    rest = cleaned(line(heard), bot)
    alone = voiced(silero, np.concatenate((np.zeros(at, np.int16), caller)))
    both = voiced(silero, rest)[: len(alone)]
    assert (both & alone).sum() > 0.8 * alone.sum()


def test_a_caller_as_loud_as_the_bot_is_heard_from_the_first_second_on(
    silero: SileroSession, bot: Pcm, caller: Pcm
) -> None:
    at = RATE_HZ // 2
    heard = echo_of(bot, level_db=-24, delay_ms=200)
    heard[at : at + len(caller)] += caller * 4.0  # espeak speaks at -21 dB, he reads at -38
    assert longest_voice_ms(silero, cleaned(line(heard), bot)[at : at + len(caller)]) >= 320


def test_a_caller_alone_on_the_line_is_not_changed(caller: Pcm) -> None:
    rest = cleaned(caller, np.zeros_like(caller))
    late = LATENCY_SAMPLES[RATE_HZ]
    assert np.array_equal(rest[late:], caller[:-late])


def test_a_caller_is_not_changed_once_the_bots_echo_must_be_over(bot: Pcm, caller: Pcm) -> None:
    quiet = np.zeros(RATE_HZ * (TAIL_MS + 100) // 1000, np.int16)
    heard = np.concatenate((np.zeros_like(bot), quiet, caller))
    reference = np.concatenate((bot, quiet, np.zeros_like(caller)))
    rest = cleaned(heard, reference)
    late = LATENCY_SAMPLES[RATE_HZ]
    assert np.array_equal(rest[-len(caller) + late :], caller[:-late])


@pytest.mark.parametrize("rate_hz", sorted(LATENCY_SAMPLES))
def test_the_library_is_as_late_as_the_table_says(rate_hz: int) -> None:
    rng = np.random.default_rng(1)
    spectrum = np.fft.rfft(rng.standard_normal(rate_hz) * 3_000)
    hz = np.fft.rfftfreq(rate_hz, 1 / rate_hz)
    spectrum[(hz < 300) | (hz > 3_000)] = 0
    heard = np.fft.irfft(spectrum).astype(np.int16)
    echo = EchoCanceller(sample_rate_hz=rate_hz)
    hum = (np.sin(np.arange(rate_hz) / rate_hz * 2 * np.pi * 3_600) * 200).astype(np.int16)
    echo.played(hum, at_sample=0)  # keeps the library awake
    rest = echo.clean(heard)
    half = rate_hz // 2
    scores = [
        float(np.dot(rest[half:].astype(float), heard[half - late : len(heard) - late]))
        for late in range(half // 10)
    ]
    assert abs(int(np.argmax(scores)) - LATENCY_SAMPLES[rate_hz]) <= 1


@pytest.mark.parametrize("early_ms", [0, 100, 500])
def test_a_reference_that_comes_ahead_and_in_bunches_is_as_good(
    silero: SileroSession, bot: Pcm, early_ms: int
) -> None:
    heard = line(echo_of(bot, level_db=-18, delay_ms=200))
    echo = EchoCanceller(sample_rate_hz=RATE_HZ)
    rng = np.random.default_rng(3)
    sent, out = 0, list[Pcm]()
    for at in range(0, len(heard), 160):
        until = at + 160 + (early_ms + int(rng.integers(0, 80))) * RATE_HZ // 1000
        if until > sent and (rng.random() < 0.4 or sent < at + 160):
            echo.played(bot[sent:until], at_sample=sent)
            sent = min(until, len(bot))
        out.append(echo.clean(heard[at : at + 160]))
    assert longest_voice_ms(silero, np.concatenate(out)) < 64


def test_a_reference_that_comes_20_ms_late_is_still_used(silero: SileroSession, bot: Pcm) -> None:
    heard = line(echo_of(bot, level_db=-18, delay_ms=100))
    echo = EchoCanceller(sample_rate_hz=RATE_HZ)
    out: list[Pcm] = []
    for at in range(0, len(heard), 160):
        out.append(echo.clean(heard[at : at + 160]))
        echo.played(bot[at : at + 160], at_sample=at)
    assert longest_voice_ms(silero, np.concatenate(out)) < 64


@pytest.mark.parametrize("size", [80, 160, 800, 33, 250])
def test_each_packet_gives_as_much_audio_as_it_brings(caller: Pcm, size: int) -> None:
    echo = EchoCanceller(sample_rate_hz=RATE_HZ)
    parts = [caller[at : at + size] for at in range(0, len(caller), size)]
    out = [echo.clean(part) for part in parts]
    assert [len(part) for part in out] == [len(part) for part in parts]
    ragged = 80 if size % 80 else 0
    late = LATENCY_SAMPLES[RATE_HZ] + ragged
    assert np.array_equal(np.concatenate(out)[late:], caller[:-late])


def test_what_is_wrong_is_said(caller: Pcm) -> None:
    with pytest.raises(ValueError, match="8000, 16000, 24000"):
        EchoCanceller(sample_rate_hz=44_100)
    echo = EchoCanceller(sample_rate_hz=RATE_HZ)
    with pytest.raises(ValueError, match="int16"):
        echo.clean(caller.astype(np.float32))
    echo.close()
    echo.close()
    with pytest.raises(EngineFailed, match="closed"):
        echo.clean(caller)


def test_cancellers_that_are_closed_leave_no_memory_and_no_thread(bot: Pcm) -> None:
    process = psutil.Process()

    def some(count: int) -> None:
        for _ in range(count):
            echo = EchoCanceller(sample_rate_hz=RATE_HZ)
            echo.played(bot[:1600], at_sample=0)
            echo.clean(bot[:1600])
            echo.close()

    some(50)
    before, threads = process.memory_info().rss, process.num_threads()
    some(200)  # 0.5 MB each
    assert process.memory_info().rss - before < 20e6
    assert process.num_threads() == threads
