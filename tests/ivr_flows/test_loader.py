"""What the loader refuses, and that it says where and what to write instead."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr_flows.errors import FlowInvalid, FlowUnknown
from ivr_flows.loader import SHIPPED, check_file, load, load_bytes, load_folder, shipped

SOUND = Path(__file__).with_name("sound.yaml").read_text(encoding="utf-8")


def problems_of(text: str) -> list[str]:
    with pytest.raises(FlowInvalid) as caught:
        load_bytes(text.encode(), "lunch.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_a_sound_flow_loads():
    flow = load_bytes(SOUND.encode(), "lunch.yaml")
    assert flow.name == "lunch"
    assert flow.outcomes == ("dish", "count")


def test_all_problems_are_reported_at_once_even_beside_a_node_of_wrong_shape():
    text = SOUND.replace("    otherwise: bye\n", "").replace("{{ guest }}।", "{{ gest }}।")
    text = text.replace('bread: {keys: ["2"]', 'bread: {keys: ["1"]')
    found = "\n".join(problems_of(text))
    assert "no condition holds" in found
    assert 'unknown variable "gest"' in found
    assert "key 1 means both" in found
    assert "ask_dish" in found
    assert "no node" not in found  # "many" is there, though broken


def test_two_says_that_lead_to_each_other_are_a_loop():
    text = SOUND.replace("    then: ask_dish\n", "    then: again\n", 1)
    text = text.replace(
        "  ask_dish:\n",
        '  again:\n    type: say\n    prompt: {en: "a", hi: "b"}\n    then: hello\n  ask_dish:\n',
    )
    found = "\n".join(problems_of(text))
    assert "dead end" in found
    assert "a loop without an answer of the caller" in found


@pytest.mark.parametrize("field", ["no_input", "no_match"])
def test_a_silent_or_noisy_caller_must_not_go_round_in_circles(field: str):
    start = SOUND.index("  ask_count:")
    text = SOUND[:start] + SOUND[start:].replace(
        f"{field}: {{then: bye}}", f"{field}: {{then: x}}", 1
    )
    text = text.replace(
        "  bye:\n",
        '  x:\n    type: say\n    prompt: {en: "a", hi: "b"}\n    then: ask_count\n  bye:\n',
    )
    assert "a loop without an answer of the caller" in "\n".join(problems_of(text))


def test_a_transfer_that_fails_into_itself_is_a_loop():
    found = "\n".join(problems_of(SOUND.replace("failed: sorry", "failed: person")))
    assert "a loop without an answer of the caller: person -> person" in found


def test_an_answer_may_lead_back():
    text = SOUND.replace("{when: count > 10, then: person}", "{when: count > 10, then: ask_dish}")
    assert load_bytes(text.encode(), "x").nodes


def test_a_declared_fallback_takes_the_place_of_a_missing_language():
    text = SOUND.replace("languages: [en, hi]", "languages: [en, hi, mr]\nfallbacks: {mr: hi}")
    flow = load_bytes(text.encode(), "x")
    assert flow.languages_for("mr") == ("mr", "hi", "en")
    assert flow.languages_for("ta") == ("en",)


def test_a_number_as_key_means_the_key():
    flow = load_bytes(SOUND.replace('keys: ["2"]', "keys: [2]").encode(), "x")
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
    lines = SOUND.splitlines(keepends=True)
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
    (tmp_path / "a.yaml").write_text(SOUND, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(SOUND, encoding="utf-8")
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
