"""What the loader refuses, and that it says where and what to write instead."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr_flows.errors import FlowInvalid, FlowUnknown
from ivr_flows.loader import SHIPPED, check_file, load, load_bytes, load_folder, shipped

GOOD = """\
name: lunch
title: Lunch
languages: [en, hi]
start: hello
give_up: sorry
variables:
  guest: {required: true, example: Asha}
  dish: {outcome: true}
  count: {type: integer, outcome: true}
  city: {default: Pune}
anywhere:
  repeat: {phrases: {en: [say that again], hi: [फिर से बोलिए]}}
  operator: {keys: ["9"], phrases: {en: [a person], hi: [किसी से बात]}, then: person}
nodes:
  hello:
    type: say
    prompt: {en: "Hello {{ guest }}.", hi: "नमस्ते {{ guest }}।"}
    then: ask_dish
  ask_dish:
    type: menu
    prompt: {en: "Rice, 1. Bread, 2.", hi: "चावल, 1। रोटी, 2।"}
    choices:
      rice: {keys: ["1"], phrases: {en: [rice], hi: [चावल]}, set: {dish: rice}, then: ask_count}
      bread: {keys: ["2"], phrases: {en: [bread], hi: [रोटी]}, set: {dish: bread}, then: ask_count}
    no_input: {then: bye}
    no_match: {then: bye}
  ask_count:
    type: collect
    kind: number
    variable: count
    max: 20
    prompt: {en: "How many {{ dish }}?", hi: "कितने {{ dish }}?"}
    no_input: {then: bye}
    no_match: {then: bye}
    then: many
  many:
    type: decide
    branches:
      - {when: count > 10, then: person}
    otherwise: bye
  person:
    type: transfer
    to: kitchen
    failed: sorry
  bye:
    type: hangup
    disposition: completed
    prompt: {en: "Goodbye.", hi: "नमस्ते।"}
  sorry:
    type: hangup
    disposition: failed
    prompt: {en: "Sorry, goodbye.", hi: "माफ़ कीजिए।"}
"""


def problems_of(text: str) -> list[str]:
    with pytest.raises(FlowInvalid) as caught:
        load_bytes(text.encode(), "lunch.yaml")
    return [str(problem) for problem in caught.value.problems]


def line_of(text: str, words: str) -> int:
    return text[: text.index(words)].count("\n") + 1


def test_a_sound_flow_loads():
    flow = load_bytes(GOOD.encode(), "lunch.yaml")
    assert flow.name == "lunch"
    assert flow.outcomes == ("dish", "count")


# (what is replaced, by what, words that stand on the line named, what is said, the fix)
REFUSED = {
    "no way out on no input": (
        "    no_input: {then: bye}\n    no_match: {then: bye}\n    then: many",
        "    no_match: {then: bye}\n    then: many",
        "  ask_count:",
        'node "ask_count": no way out on no input',
        'add "no_input: {then: ...}"',
    ),
    "no way on after a say": (
        "    then: ask_dish\n",
        "",
        "  hello:",
        'node "hello": no way on',
        'add "then: ..."',
    ),
    "a decide that may fall through": (
        "    otherwise: bye\n",
        "",
        "  many:",
        "no way out when no condition holds",
        'add "otherwise: ..."',
    ),
    "an unknown target": (
        "then: ask_dish",
        "then: ask_dishes",
        "then: ask_dishes",
        '"ask_dishes" is no node of this flow',
        'write "ask_dish"',
    ),
    "an unknown start": (
        "start: hello",
        "start: hallo",
        "start: hallo",
        'start is "hallo", and there is no such node',
        'write "hello"',
    ),
    "an unreachable node": (
        "  bye:\n",
        "  lost:\n    type: hangup\n    disposition: failed\n  bye:\n",
        "  lost:",
        'node "lost" can\'t be reached',
        'lead to it with a "then: lost"',
    ),
    "an unknown variable in a prompt": (
        "Hello {{ guest }}.",
        "Hello {{ gest }}.",
        "{{ gest }}",
        'node "hello": unknown variable "gest"',
        'write "guest"',
    ),
    "an unknown variable in a condition": (
        "count > 10",
        "counts > 10",
        "counts > 10",
        'unknown variable "counts"',
        'write "count"',
    ),
    "a variable that has no value yet": (
        "Hello {{ guest }}.",
        "Hello {{ guest }}, {{ dish }}.",
        "{{ guest }}, {{ dish }}",
        'variable "dish" may have no value yet',
        'give it a "default"',
    ),
    "a missing language": (
        'prompt: {en: "Goodbye.", hi: "नमस्ते।"}',
        'prompt: {en: "Goodbye."}',
        '{en: "Goodbye."}',
        'node "bye": the text is missing in "hi"',
        'add "hi: ..." here',
    ),
    "a language of another flow": (
        'en: "Goodbye.",',
        'en: "Goodbye.", ta: "x",',
        'ta: "x"',
        '"ta" is no language of this flow',
        "remove it",
    ),
    "phrases missing in a language": (
        "phrases: {en: [rice], hi: [चावल]}",
        "phrases: {en: [rice]}",
        "phrases: {en: [rice]}",
        '"rice" has no phrases in "hi"',
        'add "hi: [...]"',
    ),
    "a key shared by two choices": (
        'bread: {keys: ["2"]',
        'bread: {keys: ["1"]',
        'bread: {keys: ["1"]',
        'key 1 means both "rice" and "bread"',
        "give each answer its own",
    ),
    "a key shared with one that counts anywhere": (
        'bread: {keys: ["2"]',
        'bread: {keys: ["9"]',
        'bread: {keys: ["9"]',
        'key 9 means both "bread" and "operator"',
        "give each answer its own",
    ),
    "a phrase shared by two choices": (
        "hi: [रोटी]",
        "hi: [रोटी, चावल]",
        "hi: [रोटी, चावल]",
        '"चावल" means both "rice" and "bread"',
        "give each answer its own",
    ),
    "a phrase shared but for case and signs": (
        "en: [bread]",
        "en: [bread, Rice!]",
        "[bread, Rice!]",
        '"rice" means both "rice" and "bread"',
        "give each answer its own",
    ),
    "a template that can't be read": (
        "Hello {{ guest }}.",
        "Hello {{ guest }.",
        "{{ guest }.",
        "the text can't be read",
        "close every bracket",
    ),
    "a template that calls": (
        "Hello {{ guest }}.",
        "Hello {{ guest.upper() }}.",
        "guest.upper()",
        "is not allowed in a text",
        "use variables, filters",
    ),
    "an unknown filter": (
        "Hello {{ guest }}.",
        "Hello {{ guest | monye }}.",
        "monye",
        'there is no filter "monye"',
        "use one of",
    ),
    "an unknown field": (
        "    max: 20\n",
        "    maxi: 20\n",
        "maxi: 20",
        'unknown field "maxi"',
        "remove it",
    ),
    "a wrong type": (
        "    max: 20\n",
        '    max: "20"\n',
        'max: "20"',
        '"max": Input should be a valid integer',
        "write a whole number",
    ),
    "an unknown type of node": (
        "type: decide",
        "type: decides",
        "  many:",
        'there is no type "decides"',
        "use one of say, menu",
    ),
    "a disposition that the record does not know": (
        "disposition: completed",
        "disposition: happy",
        "disposition: happy",
        "\"disposition\" can't be 'happy'",
        "use 'confirmed', 'rejected'",
    ),
    "a key that no telephone has": (
        'rice: {keys: ["1"]',
        'rice: {keys: ["12"]',
        '["12"]',
        "'12' can't stand here",
        'write one key in quotes: "0" to "9"',
    ),
    "a number collected into a text": (
        "variable: count",
        "variable: dish",
        "variable: dish",
        'variable "dish" is a text',
        "declare it as integer or number",
    ),
    "a default of another type": (
        "city: {default: Pune}",
        "city: {type: integer, default: Pune}",
        "city: {type",
        "variable \"city\", default: 'Pune' is not an integer",
        "write a value of type integer",
    ),
    "a required variable without an example": (
        "guest: {required: true, example: Asha}",
        "guest: {required: true}",
        "guest: {required",
        "has no example",
        'add "example: ..."',
    ),
    "a constant of another type": (
        "set: {dish: rice}",
        "set: {count: rice}",
        "set: {count",
        "'rice' is not an integer",
        "write a value of type integer",
    ),
    "giving up without an end": (
        "give_up: sorry",
        "give_up: ask_dish",
        "give_up: ask_dish",
        "does not end the call",
        "name a hangup or transfer node",
    ),
    "a choice that leads nowhere": (
        "set: {dish: rice}, then: ask_count}",
        "set: {dish: rice}}",
        "      rice:",
        "exactly one of then, repeat and language",
        "keep exactly one",
    ),
    "a fallback to a language that isn't there": (
        "languages: [en, hi]",
        "languages: [en, hi]\nfallbacks: {hi: ta}",
        "fallbacks:",
        '"ta" is no language of this flow',
        "use one of",
    ),
    "a language switch to a language that isn't there": (
        "anywhere:\n",
        "anywhere:\n  languages: {ta: {phrases: [tamil]}}\n",
        "languages: {ta",
        '"ta" is no language of this flow',
        "use one of",
    ),
    "a name that is taken": (
        "  city: {default: Pune}",
        "  language: {default: Pune}",
        "  language: {default",
        "always means the language of the call",
        "choose another name",
    ),
    "a key twice": (
        "title: Lunch\n",
        "title: Lunch\ntitle: Dinner\n",
        "title: Dinner",
        '"title" stands here twice',
        "remove one",
    ),
    "an alias": (
        'keys: ["9"]',
        "keys: [*a]",
        "[*a]",
        "a YAML anchor or alias",
        'put a text such as "*" in quotes',
    ),
    "a tag": (
        "title: Lunch",
        "title: !!python/object/apply:os.system [ls]",
        "title: !!python",
        "is a YAML tag",
        "remove it",
    ),
    "text where a list belongs": (
        "languages: [en, hi]",
        "languages: en",
        "languages: en",
        '"languages": Input should be a valid tuple',
        "write a list",
    ),
    "more at least than at most": (
        "    max: 20\n",
        "    min: 30\n    max: 20\n",
        "min: 30",
        "min is more than max",
        "swap the two",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_flow_is_refused_with_its_line_and_the_fix(case: str):
    old, new, place, message, fix = REFUSED[case]
    assert GOOD.count(old) == 1, "the case must change one place"
    text = GOOD.replace(old, new)
    line = line_of(text, place)
    found = problems_of(text)
    assert any(
        problem.startswith(f"lunch.yaml:{line}: ") and message in problem and fix in problem
        for problem in found
    ), "\n".join(found)


def test_all_problems_are_reported_at_once_even_beside_a_node_of_wrong_shape():
    text = GOOD.replace("    otherwise: bye\n", "").replace("{{ guest }}।", "{{ gest }}।")
    text = text.replace('bread: {keys: ["2"]', 'bread: {keys: ["1"]')
    found = "\n".join(problems_of(text))
    assert "no condition holds" in found
    assert 'unknown variable "gest"' in found
    assert "key 1 means both" in found
    assert "ask_dish" in found
    assert "no node" not in found  # "many" is there, though broken


def test_two_says_that_lead_to_each_other_are_a_loop():
    text = GOOD.replace("    then: ask_dish\n", "    then: again\n", 1)
    text = text.replace(
        "  ask_dish:\n",
        '  again:\n    type: say\n    prompt: {en: "a", hi: "b"}\n    then: hello\n  ask_dish:\n',
    )
    found = "\n".join(problems_of(text))
    assert "dead end" in found
    assert "a loop without an answer of the caller" in found


@pytest.mark.parametrize("field", ["no_input", "no_match"])
def test_a_silent_or_noisy_caller_must_not_go_round_in_circles(field: str):
    start = GOOD.index("  ask_count:")
    text = GOOD[:start] + GOOD[start:].replace(
        f"{field}: {{then: bye}}", f"{field}: {{then: x}}", 1
    )
    text = text.replace(
        "  bye:\n",
        '  x:\n    type: say\n    prompt: {en: "a", hi: "b"}\n    then: ask_count\n  bye:\n',
    )
    assert "a loop without an answer of the caller" in "\n".join(problems_of(text))


def test_a_transfer_that_fails_into_itself_is_a_loop():
    found = "\n".join(problems_of(GOOD.replace("failed: sorry", "failed: person")))
    assert "a loop without an answer of the caller: person -> person" in found


def test_an_answer_may_lead_back():
    text = GOOD.replace("{when: count > 10, then: person}", "{when: count > 10, then: ask_dish}")
    assert load_bytes(text.encode(), "x").nodes


def test_a_declared_fallback_takes_the_place_of_a_missing_language():
    text = GOOD.replace("languages: [en, hi]", "languages: [en, hi, mr]\nfallbacks: {mr: hi}")
    flow = load_bytes(text.encode(), "x")
    assert flow.languages_for("mr") == ("mr", "hi", "en")
    assert flow.languages_for("ta") == ("en",)


def test_a_number_as_key_means_the_key():
    flow = load_bytes(GOOD.replace('keys: ["2"]', "keys: [2]").encode(), "x")
    assert flow.nodes["ask_dish"].choices["bread"].keys == ("2",)  # type: ignore[union-attr]


HOSTILE = {
    "empty": b"",
    "only a comment": b"# nothing\n",
    "a list at the top": b"- a\n- b\n",
    "a scalar at the top": b"hello",
    "not UTF-8": b"name: \xff\xfe\n",
    "UTF-16": "name: x".encode("utf-16"),
    "a nul": b"name: a\x00b\n",
    "binary": bytes(range(256)),
    "too large": b"# " + b"x" * 300_000,
    "billion laughs": b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nname: *c\n",
    "an endless alias": b"a: &a [*a]\n",
    "a merge": b"<<: {name: x}\n",
    "deep flow": b"a: " + b"[" * 5000,
    "deep braces": b"{a: " * 2000,
    "deep blocks": b"".join(b" " * n + b"a:\n" for n in range(400)),
    "many values": b"a: [" + b"1," * 60_000 + b"]",
    "two documents": b"name: a\n---\nname: b\n",
    "bad indent": b"name: a\n  title: b\n c: d\n",
    "an open quote": b'name: "a\n',
    "a tab": b"name:\n\t- a\n",
    "a key that is a list": b"[a, b]: c\n",
    "a tag": b"!!python/object:os.system {}\n",
    "null nodes": b"name: a\ntitle: t\nlanguages: [en]\nstart: a\ngive_up: a\nnodes: null\n",
    "nodes that are a list": b"name: a\nnodes: [1]\n",
    "a node that is a number": b"name: a\ntitle: t\nlanguages: [en]\nstart: a\ngive_up: a\n"
    b"nodes: {a: 1}\n",
    "a huge number": b"name: " + b"9" * 5000,
    "an odd number": b"name: 0o9\ntitle: .inf\nlanguages: [1e999]\n",
    "a directive": b"%YAML 9.9\n---\nname: a\n",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_an_error_with_a_line_never_a_crash(case: str):
    with pytest.raises(FlowInvalid) as caught:
        load_bytes(HOSTILE[case], "evil.yaml")
    assert caught.value.problems
    assert all(re.match(r"evil\.yaml:\d+: .+; .+", str(p)) for p in caught.value.problems)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_damage_to_a_flow_loads_or_is_refused(data: st.DataObject):
    lines = GOOD.splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        junk = st.text(st.sampled_from("abc{}[]:,\"'*&!%|>-#\n 0१é"), max_size=12)
        lines[at : at + data.draw(st.integers(0, 2))] = [data.draw(junk)]
    try:
        load_bytes("".join(lines).encode(), "x.yaml")
    except FlowInvalid as refused:
        problems = refused.problems
    else:
        return
    assert problems
    assert all(problem.fix and problem.line > 0 for problem in problems)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(FlowUnknown, match=r"missing\.yaml: can't be read"):
        load(tmp_path / "missing.yaml")
    with pytest.raises(FlowUnknown, match="can't be read"):
        check_file(tmp_path)


def test_a_folder_reports_the_problems_of_all_its_files(tmp_path: Path):
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "c.yaml").write_text("[]", encoding="utf-8")
    with pytest.raises(FlowInvalid) as caught:
        load_folder(tmp_path)
    assert len(caught.value.problems) == 2
    assert 'another file of this folder has a flow "lunch"' in str(caught.value)


def test_the_shipped_flows_load_by_name():
    assert sorted(load_folder(SHIPPED)) == [
        "customer_support",
        "rider_assignment",
        "vendor_confirmation",
    ]
    with pytest.raises(FlowUnknown, match="there are customer_support"):
        shipped("../customer_support")
