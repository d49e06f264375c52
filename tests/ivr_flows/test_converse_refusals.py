"""What is refused of a `converse` node, with its line and its fix."""

import pytest

from ivr_flows.draw import mermaid, svg
from ivr_flows.errors import FlowInvalid
from ivr_flows.loader import load_bytes
from ivr_flows.try_out import TryOut
from tests.converse_flow import YAML


def problems(old: str, new: str) -> str:
    assert old in YAML
    with pytest.raises(FlowInvalid) as refused:
        load_bytes(YAML.replace(old, new).encode(), "shop.yaml")
    return str(refused.value)


def test_the_flow_is_good_and_can_be_drawn():
    flow = load_bytes(YAML.encode(), "shop.yaml")
    assert "n_help" in mermaid(flow)
    assert "no model" in svg(flow)


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("    fallback: no_model\n", "", "no way on without a language model"),
        ("    person: person\n", "", "no way to a person"),
        ("person: person\n", "person: sorry\n", "brings nobody on the line"),
        ("person: person\n", "person: nowhere\n", '"nowhere" is no node'),
        ("may_hang_up: bye", "may_hang_up: person", "which is no hangup"),
        ("then: thanks", "then: thank", '"thank" is no node of this flow; write "thanks"'),
        ("then: too_long", "then: too_lang", '"too_lang" is no node'),
        ("knows: [amount, desk]", "knows: [price]", 'unknown variable "price"'),
        ("may_set: [mood]", "may_set: [moods]", 'unknown variable "moods"; write "mood"'),
        ("save: {order_status: status", "save: {state: status", 'unknown variable "state"'),
        ("set: {solved: true}", "set: {solved: perhaps}", '"solved": '),
        ("          mood: {required", "          moody: {required", 'unknown variable "moody"'),
        ("      done:", "      end_call:", '"end_call" is a tool of every model'),
        ("      done:", "      find_order:", 'an exit is named "find_order", too'),
        ("type: string, pattern", "type: text, pattern", "has no type that is known"),
        ('pattern: "^[0-9]{4,10}$"', 'pattern: "("', "no regular expression"),
        ("          type: object\n", "          type: array\n", "parameters are an object"),
        ("orders/{{ order_id }}", "orders/{{ orderid }}", 'unknown variable "orderid"'),
        ("goal: Find out", "goal: Find {{ out }}", 'unknown variable "out"'),
        ("facts: We deliver", "facts: {{ mood }} We deliver", "this is not YAML"),
        ("facts: We deliver", 'facts: "{{ mood }}" #', 'variable "mood" may have no value yet'),
        ("turns: 4", "turns: 0", '"turns"'),
        ("tokens: 4000", "token: 4000", 'unknown field "token"'),
        ("filler: {en:", "filler: {mr:", '"mr" is no language of this flow'),
        ("tries: 2", "then: bye", 'unknown field "then"'),
    ],
)
def test_what_is_wrong_is_named_with_its_fix(old: str, new: str, wanted: str):
    assert wanted in problems(old, new)


@pytest.mark.parametrize(
    ("field", "begins"),
    [("goal", "goal: Find"), ("facts", "facts: We"), ("instructions", "      Ask")],
)
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("mood", "", ""),  # noted down by the model
        ("order_id", "", ""),  # given to an exit
        ("order_status", "", ""),  # saved of a service's answer
        ("solved", "set: {solved: true}", 'set: {solved: "{{ mood == desk }}"}'),
    ],
)
def test_what_others_can_set_is_no_rule(field: str, begins: str, name: str, old: str, new: str):
    assert begins in YAML
    assert old in YAML
    first, _, rest = begins.rpartition(" ")
    yaml = YAML.replace(begins, f"{first} If {{{{ {name} }}}} then {rest}").replace(old, new, 1)
    with pytest.raises(FlowInvalid) as refused:
        load_bytes(yaml.encode(), "shop.yaml")
    problem = f'"{field}" has "{name}" in it, which a caller or a service can set'
    assert problem in str(refused.value)
    assert f'add it to "knows": [{name}]' in str(refused.value)


@pytest.mark.parametrize("name", ["desk", "shop_url"])
def test_what_only_the_flow_or_who_starts_the_call_sets_may_stand_in_a_rule(name: str):
    yaml = YAML.replace("goal: Find out", f"goal: For {{{{ {name} }}}} find out")
    assert load_bytes(yaml.encode(), "shop.yaml").name == "shop"


def test_a_language_without_safe_words_needs_its_own():
    said = problems("languages: [en, hi]", "languages: [en, hi, ta]\nfallbacks: {ta: en}")
    assert 'nothing is said in "ta" in the place of what may not be said' in said


def test_the_model_can_be_played_in_the_terminal():
    conversation = TryOut(load_bytes(YAML.encode(), "shop.yaml"), has_model=True)
    printed = conversation.start()
    for line in (
        "where is my order 4522",
        'find_order {"order_id": "4522"}',
        '200 {"status": "on the way", "amount": 450}',
        "It costs {{amount|money}}.",
        "thanks",
        'look_up {"query": "returns"}',
        "Within 14 days.",
        "You have 14 days [1].",
        "bye",
        'done {"order_id": "4522"}',
    ):
        printed += conversation.take(line)
    assert "en: It costs ₹450." in printed
    assert "en: You have 14 days." in printed
    assert "-- hangs up [completed]" in printed
    assert conversation.is_over


def test_a_typed_failure_leads_to_the_fallback():
    conversation = TryOut(load_bytes(YAML.encode(), "shop.yaml"), has_model=True)
    conversation.start()
    conversation.take("hello")
    assert "en: Please call us again later." in conversation.take("fail")
