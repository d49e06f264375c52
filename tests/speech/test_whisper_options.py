"""Whisper's options, what they mean on a device, its prompts, windows and languages: pure."""

import pytest

from speech.engines.whisper_attempts import choose_language, window_frames
from speech.engines.whisper_model import words_in_order
from speech.engines.whisper_options import WhisperOptions, placed
from speech.engines.whisper_prompt import MIXED, Prompt, prompt_for, text_before
from speech.errors import OptionInvalid
from speech.options import read_options

CPU = frozenset({"int8", "int8_float32", "int16", "float32"})
GPU = CPU | {"int8_float16", "float16", "bfloat16"}


def letters(text: str) -> list[int]:
    return [ord(char) for char in text]


def test_a_gpu_gets_the_large_model_in_batches_and_a_cpu_a_small_one_in_short_windows() -> None:
    gpu = placed(WhisperOptions(), is_on_gpu=True, compute_types=GPU)
    assert (gpu.model, gpu.device, gpu.compute_type) == ("large-v3-turbo", "cuda", "int8_float16")
    assert (gpu.max_batch, gpu.beam_size, gpu.has_short_window) == (16, 5, False)
    cpu = placed(WhisperOptions(), is_on_gpu=False, compute_types=CPU)
    assert (cpu.model, cpu.device, cpu.compute_type) == ("small", "cpu", "int8")
    assert (cpu.max_batch, cpu.beam_size, cpu.has_short_window) == (1, 1, True)


def test_what_is_set_is_taken_and_an_old_gpu_computes_in_what_it_knows() -> None:
    options = WhisperOptions(
        model="medium.en", device="cuda:2", short_window="on", beam_size=3, max_batch=4
    )
    got = placed(options, is_on_gpu=True, compute_types=CPU)
    assert (got.model, got.device_index, got.compute_type) == ("medium.en", 2, "int8_float32")
    assert (got.has_short_window, got.beam_size, got.max_batch) == (True, 3, 4)
    cpu = placed(WhisperOptions(short_window="off"), is_on_gpu=False, compute_types=frozenset())
    assert (cpu.has_short_window, cpu.compute_type) == (False, "default")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("device", "gpu"),
        ("device", "cuda:x"),
        ("compute_type", "int4"),
        ("languages", "english"),
        ("languages", "en,,hi"),
        ("languages", ""),
        ("detection", "guess"),
        ("short_window", "yes"),
        ("beam_size", "-1"),
        ("beam_size", "many"),
        ("partial_every_ms", "1500"),
        ("fallback_temperatures", "0.2,hot"),
        ("fallback_temperatures", "2"),
        ("hint_tokens", "400"),
        ("threads", "0"),
        ("model", ""),
    ],
)
def test_a_wrong_option_is_named(name: str, text: str) -> None:
    with pytest.raises(OptionInvalid, match=f"whisper: option '{name}'"):
        read_options("whisper", WhisperOptions, {name: text})


def test_options_come_from_texts() -> None:
    got = read_options(
        "whisper",
        WhisperOptions,
        {
            "languages": "hi, EN,hi",
            "mixed_prompt": "false",
            "fallback_temperatures": "",
            "fallback_ms": "0",
        },
    )
    assert got.language_codes == ("hi", "en")
    assert (got.mixed_prompt, got.temperatures, got.fallback_ms) == (False, (), 0)
    assert WhisperOptions().temperatures == (0.2, 0.4)


def test_hints_stand_in_the_prompt_in_their_order_once_each() -> None:
    got = prompt_for(
        ["confirm", " cancel  it ", "Confirm", "", "later"], "", letters, hint_tokens=99
    )
    assert got == Prompt("confirm, cancel it, later", tuple(letters(" confirm, cancel it, later")))
    assert prompt_for([], "", letters, hint_tokens=99) == Prompt()


def test_hints_that_do_not_fit_are_left_out_and_shorter_ones_still_fit() -> None:
    hints = ["confirm", "x" * 30, "a book " * 100_000, "yes", "no"]
    got = prompt_for(hints, "", letters, hint_tokens=14)
    assert got.text == "confirm, yes"
    assert len(got.tokens) <= 14
    assert prompt_for(hints, "", letters, hint_tokens=0) == Prompt()


def test_a_thousand_hints_stay_within_the_limit() -> None:
    got = prompt_for([f"item {at}" for at in range(1000)], "", letters, hint_tokens=96)
    assert 80 < len(got.tokens) <= 96


def test_the_text_stands_behind_the_hints_and_loses_its_beginning_when_it_is_long() -> None:
    got = prompt_for(["yes"], "Say it.", letters, hint_tokens=10)
    assert got == Prompt("yes. Say it.", tuple(letters(" yes. Say it.")))
    long = prompt_for(["yes"], "x" * 500 + "end", letters, hint_tokens=10)
    assert len(long.tokens) == 104
    assert long.tokens[-3:] == tuple(letters("end"))


@pytest.mark.parametrize(
    ("language", "languages", "prompt", "is_mixed_wanted", "text"),
    [
        ("hi", ("hi", "en"), "", True, MIXED["hi"]),
        ("mr", ("en", "mr"), "", True, MIXED["mr"]),
        ("hi", ("hi", "mr"), "", True, ""),
        ("hi", ("hi",), "", True, ""),
        ("en", ("hi", "en"), "", True, ""),
        ("hi", ("hi", "en"), "", False, ""),
        ("ta", ("ta", "en"), "", True, ""),
        ("hi", ("hi", "en"), "Our shop.", True, "Our shop."),
    ],
)
def test_mixed_speech_is_prepared_for_where_english_may_be_among_it(
    language: str, languages: tuple[str, ...], prompt: str, is_mixed_wanted: bool, text: str
) -> None:
    got = text_before(language, languages, prompt=prompt, is_mixed_wanted=is_mixed_wanted)
    assert got == text


@pytest.mark.parametrize(
    ("names", "odds", "language", "share"),
    [
        (["hi", "en"], {"hi": 0.3, "en": 0.1, "ur": 0.6}, "hi", 0.75),
        (["hi", "en"], {"hi": 0.1, "en": 0.3, "ur": 0.6}, "en", 0.75),
        (["hi", "en"], {"hi": 0.45, "en": 0.55}, "hi", 0.45),  # Hinglish: the call's
        (["en", "hi", "mr"], {"hi": 0.3, "mr": 0.3, "en": 0.1}, "en", 1 / 7),
        (["hi", "en"], {}, "hi", 1.0),
        (["hi"], {"hi": 0.001, "en": 0.9}, "hi", 1.0),
    ],
)
def test_the_language_is_one_of_the_calls_and_its_own_unless_another_is_clearly_likelier(
    names: list[str], odds: dict[str, float], language: str, share: float
) -> None:
    got = choose_language(names, odds, margin=0.6)
    assert got[0] == language
    assert got[1] == pytest.approx(share)


@pytest.mark.parametrize(
    ("frames", "window"), [(10, 500), (250, 500), (251, 750), (1000, 1250), (2800, 3000)]
)
def test_a_short_window_has_room_behind_the_sound_and_few_lengths(frames: int, window: int) -> None:
    assert window_frames(frames) == window


def test_times_of_words_never_go_back_and_probabilities_are_in_range() -> None:
    found = [
        {"word": " yes", "start": 0.5, "end": 0.9, "probability": 1.2},
        {"word": " ", "start": 0.1, "end": 0.2, "probability": 0.5},
        {"word": " please", "start": 0.7, "end": 0.6, "probability": -0.1},
    ]
    words = words_in_order(found)
    assert [(w.text, w.start_ms, w.end_ms, w.confidence) for w in words] == [
        ("yes", 500, 900, 1.0),
        ("please", 900, 900, 0.0),
    ]
