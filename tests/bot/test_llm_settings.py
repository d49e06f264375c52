"""The settings of language models: what they may be, and that no key of theirs is ever seen."""

import json

import pytest

from bot.errors import SettingsError
from bot.settings import Settings, describe, load_settings

VLLM = {"base_url": "http://127.0.0.1:8000/v1/", "model": "Qwen/Qwen2.5-7B-Instruct"}
GROQ = {"base_url": "https://api.groq.com/openai/v1", "model": "llama", "api_key": "gsk_secret_1"}


@pytest.fixture(name="load")
def _load(monkeypatch: pytest.MonkeyPatch):
    def load(**variables: object) -> Settings:
        for name, value in variables.items():
            text = value if isinstance(value, str) else json.dumps(value)
            monkeypatch.setenv(f"CALLWRIGHT_LLM__{name}", text)
        return load_settings(env_file=None)

    return load


def test_without_an_endpoint_there_is_none(load) -> None:
    assert load().llm.in_order == {}


def test_endpoints_are_asked_in_the_order_in_which_they_are_written(load) -> None:
    llm = load(ENDPOINTS={"zeta": VLLM, "groq": GROQ}).llm
    assert list(llm.in_order) == ["zeta", "groq"]
    assert llm.in_order["zeta"].base_url == "http://127.0.0.1:8000/v1"


def test_an_order_may_be_given_and_need_not_name_all(load) -> None:
    llm = load(ENDPOINTS={"one": VLLM, "two": VLLM, "three": VLLM}, ORDER="three, one").llm
    assert list(llm.in_order) == ["three", "one", "two"]


def test_one_variable_for_each_part_is_as_good_as_json(load) -> None:
    llm = load(ENDPOINTS__VLLM__BASE_URL=VLLM["base_url"], ENDPOINTS__VLLM__MODEL=VLLM["model"]).llm
    assert llm.in_order["vllm"].model == "Qwen/Qwen2.5-7B-Instruct"


def test_a_folder_of_knowledge_is_named_by_one_variable(load, tmp_path) -> None:
    assert load(KNOWLEDGE__SHOP=str(tmp_path)).llm.knowledge == {"shop": tmp_path}


def test_every_key_is_masked_in_the_log_and_hidden_in_the_list(load) -> None:
    settings = load(
        ENDPOINTS={"groq": GROQ},
        EMBEDDINGS__BASE_URL="http://127.0.0.1:1/v1",
        EMBEDDINGS__MODEL="bge",
        EMBEDDINGS__API_KEY="emb_secret_2",
    )
    assert {"gsk_secret_1", "emb_secret_2"} <= settings.secret_values()
    assert "secret" not in " ".join(row.value for row in describe(settings))


WRONG = {
    "an endpoint without a model": (
        {"ENDPOINTS": {"vllm": {"base_url": "http://127.0.0.1:8000/v1"}}},
        "CALLWRIGHT_LLM__ENDPOINTS: at vllm.model: field required",
    ),
    "an endpoint that is a text": (
        {"ENDPOINTS": {"vllm": "sk_secret_3"}},
        "CALLWRIGHT_LLM__ENDPOINTS: at vllm: write",
    ),
    "endpoints in a list": ({"ENDPOINTS": ["sk_secret_3"]}, "CALLWRIGHT_LLM__ENDPOINTS: "),
    "endpoints that are no JSON": ({"ENDPOINTS": "sk_secret_3"}, "CALLWRIGHT_LLM"),
    "an address without http": (
        {"ENDPOINTS": {"vllm": {**VLLM, "base_url": "localhost:8000"}}},
        "http:// or https://",
    ),
    "an address with a password": (
        {"ENDPOINTS": {"vllm": {**VLLM, "base_url": "http://u:sk_secret_3@h/v1"}}},
        "must not carry a user or password",
    ),
    "an order that names another": (
        {"ENDPOINTS": {"vllm": VLLM}, "ORDER": "groq"},
        "names groq; the endpoints are vllm",
    ),
    "understanding without a model": ({"UNDERSTANDS": "true"}, "needs CALLWRIGHT_LLM__ENDPOINTS"),
    "embeddings without a model": (
        {"EMBEDDINGS__BASE_URL": "http://127.0.0.1:1/v1"},
        "set CALLWRIGHT_LLM__EMBEDDINGS__MODEL too",
    ),
    "a wait of nothing": ({"FIRST_TOKEN_S": "0"}, "CALLWRIGHT_LLM__FIRST_TOKEN_S: '0'"),
    "a name with a blank": ({"ENDPOINTS": {"my llm": VLLM}}, "at my llm: string should match"),
    "a setting that is not there": ({"ENDPOINT": "x"}, "did you mean CALLWRIGHT_LLM__ENDPOINTS?"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_the_setting_and_no_secret(name: str, load) -> None:
    variables, said = WRONG[name]
    with pytest.raises(SettingsError) as raised:
        load(**variables)
    assert said in str(raised.value)
    assert "secret_3" not in str(raised.value)
