"""Settings: wrong values stop the start with a name and what is allowed; secrets never show."""

import os
import traceback
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import describe, load_settings, settings_markdown

CANARY = "canary-3f9a1c"
SECRETS = tuple(row.variable for row in describe() if row.is_secret)


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in tuple(os.environ):
        if name.upper().startswith("CALLWRIGHT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def complaint(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(f"CALLWRIGHT_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_without_any_variable_the_defaults_stand() -> None:
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.hearing == {"en": ("moonshine",)}
    assert set(settings.speaking) == {"en", "hi", "mr"}
    assert not settings.has_carrier


def test_the_default_database_is_sqlite_in_the_data_folder(tmp_path: Path) -> None:
    dsn = load_settings(data_dir=tmp_path).database_dsn.get_secret_value()
    assert dsn == f"sqlite+aiosqlite:///{tmp_path}/callwright.db"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PORT", "eighty", "'eighty' is not allowed; it must be a whole number from 0 to 65,535"),
        ("PORT", "70000", "'70000' is not allowed; it must be a whole number from 0 to 65,535"),
        ("PORT", "-1", "'-1' is not allowed"),
        ("MAX_CALLS", "-1", "a whole number from 0 to 1,000"),
        ("LOG_LEVEL", "loud", "one of TRACE, DEBUG, INFO, WARNING, ERROR"),
        ("RECORD_CALLS", "perhaps", "it must be true or false"),
        ("DEFAULT_LANGUAGE", "Hindi", "two letters"),
        ("DEFAULT_COUNTRY_CODE", "+91", "1 to 3 digits"),
        ("PUBLIC_URL", "wss://host", "http:// or https://"),
        ("PUBLIC_URL", "https://", "http:// or https://"),
        ("TIMEOUTS__DIAL_S", "0", "a number over 0, at most 3,600"),
        ("TIMEOUTS__DIAL_S", "nan", "a number over 0"),
        ("TWILIO__ACCOUNT_SID", "AC12", "AC and 32 hexadecimal digits"),
        ("TWILIO__FROM_NUMBER", "0123", "E.164"),
        ("EXOTEL__STREAM_SAMPLE_RATE_HZ", "11025", "8000, 16000 or 24000"),
        ("NUMBERS", '{"+14155550100": {"flw": "x"}}', "at +14155550100.flow: field required"),
        ("NUMBERS", '{"+14155550100": "a_flow"}', 'at +14155550100: write {"flow": "..."}'),
        ("NUMBERS", '{"hello": {"flow": "x"}}', "at hello: 'hello' is not a number that can be"),
        ("NUMBERS", '{"hello": {"flow": "x"}, "+14155550100": "x"}', "; at +14155550100: write"),
        ("DESKS", '{"support": "12"}', "at support: '12' is not a number that can be dialled"),
        ("DESKS", '{"support": "front desk"}', "write it as +918047491899 or as 08047491899"),
        ("FLOW_VARIABLES", '{"a": {"b": null}}', "at a.b: must be a text, a number, true, false"),
        ("FLOW_VARIABLES", '{"a": {"b": [1]}}', "or a list of texts"),
        ("EXOTEL__STREAM_USER", "a@b", "'a@b' is not allowed; it must be letters, digits and - ."),
        ("EXOTEL__STREAM_PASSWORD", "a/b", "may have letters, digits and - . _ ~ alone"),
        ("EXOTEL__STREAM_PASSWORD", "naïve", "is a secret and is not shown"),
        ("NUMBERS", "{", "is not valid JSON"),
        ("HEARING", '{"English": "moonshine"}', "should match pattern"),
        ("VOICES", '{"en": 3}', "at en: "),
    ],
)
def test_a_wrong_value_names_the_variable_the_value_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    lines = complaint(monkeypatch, **{name: value}).splitlines()
    assert len([line for line in lines if line.startswith(f"CALLWRIGHT_{name}: ")]) == 1
    assert told in "\n".join(lines)


def test_all_wrong_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = complaint(monkeypatch, PORT="x", MAX_CALLS="y", LOG_LEVLE="DEBUG")
    assert [line.split(":")[0] for line in text.splitlines()] == [
        "CALLWRIGHT_LOG_LEVLE",
        "CALLWRIGHT_MAX_CALLS",
        "CALLWRIGHT_PORT",
    ]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("PROT", "CALLWRIGHT_PORT"),
        ("MAX_CALL", "CALLWRIGHT_MAX_CALLS"),
        ("TWILIO__AUTH_TOKN", "CALLWRIGHT_TWILIO__AUTH_TOKEN"),
        ("TWILIO_AUTH_TOKEN", "CALLWRIGHT_TWILIO__AUTH_TOKEN"),
    ],
)
def test_an_unknown_name_is_refused_and_the_nearest_is_suggested(
    monkeypatch: pytest.MonkeyPatch, wrong: str, right: str
) -> None:
    text = complaint(monkeypatch, **{wrong: CANARY})
    assert f"CALLWRIGHT_{wrong}: there is no such setting; did you mean {right}?" in text
    assert CANARY not in text


def test_an_unknown_name_in_the_env_file_is_refused_but_other_programs_names_are_not(
    tmp_path: Path,
) -> None:
    (tmp_path / ".env").write_text("POSTGRES_USER=me\nCALLWRIGHT_PROT=1\n")
    with pytest.raises(SettingsError, match=r"^CALLWRIGHT_PROT: .*CALLWRIGHT_PORT"):
        load_settings()
    (tmp_path / ".env").write_text("POSTGRES_USER=me\nCALLWRIGHT_PORT=81\n")
    assert load_settings().port == 81


def test_an_option_wins_over_the_environment_and_that_over_the_env_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("CALLWRIGHT_PORT=81\nCALLWRIGHT_HOST=0.0.0.0\n")
    monkeypatch.setenv("CALLWRIGHT_PORT", "82")
    assert load_settings().port == 82
    assert load_settings(port=83, host=None).port == 83
    assert load_settings(port=83, host=None).host == "0.0.0.0"


def test_one_language_can_be_changed_without_naming_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CALLWRIGHT_SPEAKING__EN", "flite")
    monkeypatch.setenv("CALLWRIGHT_HEARING", '{"en": "none", "hi": "whisper"}')
    settings = load_settings()
    assert settings.speaking == {"en": ("flite",), "hi": ("espeak",), "mr": ("espeak",)}
    assert settings.hearing == {"hi": ("whisper",)}


def test_a_number_is_answered_by_its_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "CALLWRIGHT_NUMBERS", '{"+918047491899": {"flow": "rider_assignment", "language": "hi"}}'
    )
    route = load_settings().numbers["+918047491899"]
    assert (route.flow, route.language) == ("rider_assignment", "hi")


def test_a_desk_is_kept_as_carriers_dial_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "CALLWRIGHT_DESKS",
        '{"a": "080-4749 1800", "b": "00918047491800", "c": "139", "d": "sip:desk@example.com"}',
    )
    assert list(load_settings().desks.values()) == [
        "08047491800",
        "+918047491800",
        "139",
        "sip:desk@example.com",
    ]


def test_a_login_in_addresses_may_have_every_sign_that_stands_there_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CALLWRIGHT_EXOTEL__STREAM_USER", "exo-tel_1.~")
    monkeypatch.setenv("CALLWRIGHT_EXOTEL__STREAM_PASSWORD", "Az09-._~")
    exotel = load_settings().exotel
    assert exotel.stream_user == "exo-tel_1.~"
    assert exotel.stream_password is not None
    assert exotel.stream_password.get_secret_value() == "Az09-._~"


def test_values_of_flows_keep_the_type_that_they_are_given_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(
        "CALLWRIGHT_FLOW_VARIABLES", '{"f": {"a": "x", "b": true, "c": 5, "d": 1.5, "e": ["y"]}}'
    )
    values = load_settings().flow_variables["f"]
    assert repr(values) == "{'a': 'x', 'b': True, 'c': 5, 'd': 1.5, 'e': ['y']}"


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"TWILIO__AUTH_TOKEN": CANARY}, "CALLWRIGHT_TWILIO__ACCOUNT_SID"),
        ({"EXOTEL__API_KEY": CANARY, "EXOTEL__ACCOUNT_SID": "a"}, "CALLWRIGHT_EXOTEL__API_TOKEN"),
        ({"EXOTEL__STREAM_PASSWORD": CANARY}, "CALLWRIGHT_EXOTEL__STREAM_USER"),
    ],
)
def test_half_a_login_is_refused_and_names_the_other_half(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], missing: str
) -> None:
    text = complaint(monkeypatch, **given)
    assert f"set {missing} too" in text
    assert CANARY not in text


def all_secrets(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A canary in each secret, with what else they need."""
    values = {name: f"{CANARY}-{n}" for n, name in enumerate(SECRETS)}
    values["CALLWRIGHT_DATABASE_URL"] = f"postgresql+asyncpg://u:{CANARY}@db/x"
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CALLWRIGHT_TWILIO__ACCOUNT_SID", "AC" + "0" * 32)
    monkeypatch.setenv("CALLWRIGHT_EXOTEL__ACCOUNT_SID", "a")
    monkeypatch.setenv("CALLWRIGHT_EXOTEL__STREAM_USER", "u")
    return values


def test_no_secret_shows_in_any_form_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    values = all_secrets(monkeypatch)
    settings = load_settings()
    assert settings.secret_values() == frozenset(values.values())
    shown = (repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump()))
    table = [row for row in describe(settings) if row.is_secret]
    assert not [text for text in (*shown, repr(describe(settings))) if CANARY in text]
    assert {row.value for row in table} == {"set"}


def test_no_secret_shows_in_an_error_or_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    all_secrets(monkeypatch)
    monkeypatch.setenv("CALLWRIGHT_DATABASE_URL", f"mysql://u:{CANARY}@db/x")
    monkeypatch.setenv("CALLWRIGHT_TWILIO__API_BASE_URL", f"https://me:{CANARY}@x")
    monkeypatch.setenv("CALLWRIGHT_TWILIO__SECRET", CANARY)
    monkeypatch.setenv("CALLWRIGHT_PORT", "x")
    try:
        load_settings()
    except SettingsError:
        told = traceback.format_exc()
    else:
        pytest.fail("wrong settings were taken")
    assert CANARY not in told
    for name in ("DATABASE_URL", "TWILIO__API_BASE_URL", "TWILIO__SECRET", "PORT"):
        assert f"CALLWRIGHT_{name}: " in told


def test_a_group_given_as_json_never_shows_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (f'{{"auth_token": "{CANARY}"', f'{{"auth": "{CANARY}"}}', f'"{CANARY}"', CANARY):
        assert CANARY not in complaint(monkeypatch, TWILIO=value)


def test_every_secret_field_is_typed_as_one() -> None:
    words = ("SECRET", "TOKEN", "PASSWORD", "API_KEY", "DATABASE_URL", "REDIS_URL")
    for row in describe():
        assert row.is_secret == row.variable.endswith(words), row.variable


def test_every_setting_is_described_and_time_and_sizes_name_their_unit() -> None:
    for row in describe():
        assert row.description.endswith("."), row.variable
        if row.variable.endswith("_S"):
            assert "(s)" in row.description
        if row.variable.endswith("_BYTES"):
            assert "(bytes)" in row.description


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # pyright: ignore[reportAttributeAccessIssue]


def test_the_page_of_settings_is_the_one_that_the_model_writes() -> None:
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert page.read_text(encoding="utf-8") == settings_markdown(), (
        "docs/settings.md is old; write it anew: callwright settings --markdown > docs/settings.md"
    )
