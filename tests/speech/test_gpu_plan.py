"""What fits on a card together, and what is refused before it is loaded."""

from pathlib import Path

import pytest
from faster_whisper.utils import available_models

from speech.errors import EngineUnavailable
from speech.gpu_plan import LLAMA, PROFILES, check_fits, need_bytes, plan
from speech.gpu_sizes import GIB, MIB, PROCESS_BYTES, SIZES, size_of


@pytest.mark.parametrize("profile", PROFILES)
def test_each_profile_of_12_gb_fits_on_such_a_card_with_its_four_streams(profile: str) -> None:
    made = plan(PROFILES[profile])
    assert not made.left_out
    assert 0 <= made.free_bytes < 12 * GIB


def test_llama_and_the_ear_fit_beside_each_other() -> None:
    ear = PROFILES["12gb-local-llm"][1]
    assert not plan([LLAMA, ear]).left_out


@pytest.mark.parametrize(
    ("profile", "streams", "card_gib", "left_out"),
    [
        ("12gb-max", 4, 9, ["indic_parler"]),
        ("12gb-max", 4, 4, ["xtts", "indic_parler"]),
        ("12gb-max", 16, 12, ["indic_parler"]),
        ("12gb-latency", 4, 3, ["kokoro"]),
        ("12gb-local-llm", 4, 8, ["whisper"]),
        ("12gb-local-llm", 4, 6, ["vllm"]),  # what follows may fit where the first doesn't
        ("12gb-max", 4, 1, ["whisper", "xtts", "indic_parler"]),
    ],
)
def test_what_finds_no_room_is_left_out_in_the_order_of_the_profile(
    profile: str, streams: int, card_gib: int, left_out: list[str]
) -> None:
    made = plan(PROFILES[profile], streams=streams, card_bytes=card_gib * GIB)
    assert [row.member.engine for row in made.left_out] == left_out


def test_more_streams_take_more_memory_unless_they_take_turns() -> None:
    xtts, turns = size_of("xtts", "released", "float16"), size_of("chatterbox", "turbo", "float32")
    assert xtts
    assert turns
    assert xtts.need_bytes(8) - xtts.need_bytes(4) == 4 * xtts.stream_bytes
    assert turns.need_bytes(8) == turns.need_bytes(1)


def test_vllm_is_told_its_share_of_the_card() -> None:
    made = plan(PROFILES["12gb-local-llm"])
    command = made.command(made.rows[0])
    share = float(command.rpartition(" ")[2])
    assert abs(share - made.rows[0].total_bytes / (12 * GIB)) < 0.01


def test_no_row_stands_twice_in_the_table() -> None:
    names = [(size.engine, size.model, size.precision) for size in SIZES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("engine", "options", "is_on_gpu", "row"),
    [
        ("whisper", {}, True, ("large-v3-turbo", "int8")),
        ("whisper", {}, False, ("small", "int8")),
        ("whisper", {"model": "base.en", "compute_type": "float16"}, True, ("base", "float16")),
        ("whisper", {"model": "turbo", "compute_type": "int8_float16"}, True,
         ("large-v3-turbo", "int8")),
        ("whisper", {"model": "turbo"}, True, ("large-v3-turbo", "int8")),
        ("whisper", {"model": "tiny.en"}, False, ("tiny", "int8")),
        ("whisper", {"model": "medium.en"}, True, ("medium", "int8")),
        ("whisper", {"model": "large"}, True, ("large-v3", "int8")),
        ("whisper", {"model": "distil-small.en"}, True, ("distil-small", "int8")),
        ("whisper", {"model": "distil-whisper/distil-large-v3.5-ct2"}, True,
         ("distil-large-v3", "int8")),
        ("whisper", {"model": "Systran/faster-distil-whisper-medium.en"}, True,
         ("distil-medium", "int8")),
        ("whisper", {"model": "someone/else", "compute_type": "float16"}, True,
         ("large-v3", "float16")),
        ("xtts", {"model": "download"}, True, ("released", "float16")),
        ("xtts", {}, False, ("released", "float32")),
        ("xtts", {"precision": "bfloat16"}, False, ("released", "float16")),
        ("indic_parler", {}, True, ("released", "bfloat16")),
        ("indic_parler", {"precision": "fp32"}, True, ("released", "float32")),
        ("chatterbox", {"variant": "turbo"}, True, ("turbo", "float32")),
        ("kokoro", {}, False, ("released", "float32")),
    ],
)  # fmt: skip
def test_an_engines_options_say_which_row_is_meant(
    engine: str, options: dict[str, str], is_on_gpu: bool, row: tuple[str, str]
) -> None:
    size = size_of(engine, *row)
    assert size
    process = PROCESS_BYTES if is_on_gpu else 0
    assert need_bytes(engine, options, is_on_gpu=is_on_gpu) == size.need_bytes(1) + process


@pytest.mark.parametrize("model", available_models())
@pytest.mark.parametrize("precision", ["int8", "float16"])
def test_every_whisper_that_has_a_name_is_in_the_table(model: str, precision: str) -> None:
    options = {"compute_type": precision}
    unknown = need_bytes("whisper", {"model": "someone/else", **options}, is_on_gpu=True)
    need = need_bytes("whisper", {"model": model, **options}, is_on_gpu=True)
    assert need
    assert unknown
    assert need < unknown or model in ("large", "large-v1", "large-v2", "large-v3")


def test_a_load_that_does_not_fit_is_refused_with_what_is_missing() -> None:
    with pytest.raises(EngineUnavailable, match=r"xtts needs about 1\.9 GiB .* 1\.0 GiB free"):
        check_fits("xtts", {}, GIB)
    check_fits("xtts", {}, 2 * GIB)


def test_on_a_processor_no_other_device_is_recommended() -> None:
    with pytest.raises(EngineUnavailable, match="this machine has") as refused:
        check_fits("xtts", {}, GIB, is_on_gpu=False)
    assert "device=cpu" not in str(refused.value)


@pytest.mark.parametrize(
    ("engine", "options"),
    [("espeak", {}), ("remote", {}), ("no-such", {})],
)
def test_what_is_not_in_the_table_is_not_refused(engine: str, options: dict[str, str]) -> None:
    check_fits(engine, options, 0)


def test_a_model_in_a_folder_is_as_large_as_its_files(tmp_path: Path) -> None:
    (tmp_path / "voices").mkdir()
    (tmp_path / "config.json").write_bytes(bytes(5_000))
    (tmp_path / "model.pth").write_bytes(bytes(3 * MIB))
    (tmp_path / "voices" / "one.pt").write_bytes(bytes(MIB))
    options = {"model": str(tmp_path)}
    assert need_bytes("xtts", options, is_on_gpu=False) == 4 * MIB
    check_fits("xtts", options, 4 * MIB, is_on_gpu=False)
    with pytest.raises(EngineUnavailable):
        check_fits("xtts", options, 4 * MIB - 1, is_on_gpu=False)


def test_a_folder_without_weights_is_left_to_the_engine_to_complain_of(tmp_path: Path) -> None:
    check_fits("xtts", {"model": str(tmp_path)}, 0)
