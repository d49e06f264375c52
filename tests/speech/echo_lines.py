"""Lines for the tests of the echo: the bot, a caller, and what comes back of the bot."""

import asyncio
import wave

import numpy as np
import numpy.typing as npt

from speech.engines.espeak import EspeakSynthesizer
from speech.engines.moonshine import weights_folder
from speech.resampling import resample
from speech.stt import Pcm
from speech.tts import SpeechRequest
from telephony import mulaw

RATE_HZ = 8_000
WINDOW = 256  # 32 ms
TEXT = (
    "Your order number four five one two was packed this morning, and the rider who is carrying "
    "it to you will reach the main gate of your building in about twenty minutes from now."
)


def bots_voice(rate_hz: int = RATE_HZ) -> Pcm:
    """Some nine seconds of espeak's voice, at -21 dB of full scale, in whole windows."""

    async def speak() -> Pcm:
        espeak = EspeakSynthesizer()
        await espeak.start()
        try:
            parts = [part async for part in espeak.synthesize(SpeechRequest(TEXT, "en"))]
        finally:
            await espeak.close()
        return np.concatenate(parts)

    pcm = resample(asyncio.run(speak()), EspeakSynthesizer().sample_rate_hz, rate_hz) * 32767
    window = rate_hz * 32 // 1000
    return pcm[: len(pcm) // window * window].astype(np.int16)


def reader(file: str, rate_hz: int = RATE_HZ) -> Pcm:
    """A recording of the Moonshine wheel ("two_cities", "beckett"), as loud as the bot."""
    with wave.open(str(weights_folder().parent / f"{file}.wav")) as audio:
        pcm = np.frombuffer(audio.readframes(audio.getnframes()), np.int16)
        read = resample(pcm, audio.getframerate(), rate_hz)
    return (read * 32767 * 0.09 / float(np.sqrt(np.mean(read**2)))).clip(-32768, 32767).astype("i2")


def room_echo(
    pcm: Pcm, *, level_db: float, delay_ms: int, rate_hz: int = RATE_HZ
) -> npt.NDArray[np.float64]:
    """What a speakerphone in a small room sends back: late, decaying for 60 ms."""
    rng = np.random.default_rng(7)
    samples = np.arange(rate_hz * 60 // 1000)
    decay = rng.standard_normal(len(samples)) * np.exp(-samples / (rate_hz * 0.015))
    decay[0] = 2.0
    room = decay / np.sqrt(decay @ decay) * 10 ** (level_db / 20)
    late = np.concatenate((np.zeros(delay_ms * rate_hz // 1000), np.convolve(pcm, room)))
    return late[: len(pcm)]


def over_the_line(
    samples: npt.NDArray[np.float64], noise_dbfs: float = -65.0, seed: int = 1
) -> Pcm:
    """With the line's noise, there and back through mu-law."""
    rng = np.random.default_rng(seed)
    noisy = samples + rng.standard_normal(len(samples)) * 32768 * 10 ** (noise_dbfs / 20)
    pcm = noisy.clip(-32768, 32767).astype(np.int16)
    return np.frombuffer(mulaw.decode(mulaw.encode(pcm.tobytes())), np.int16)


def talking_over(bot: Pcm, caller: Pcm, *, at_s: float, rate_hz: int = RATE_HZ) -> Pcm:
    """The caller alone, on the bot's time."""
    mixed = np.zeros_like(bot)
    at = round(at_s * rate_hz)
    mixed[at : at + len(caller)] = caller[: len(bot) - at]
    return mixed
