"""What the loader refuses: each with its line and the fix."""

from pathlib import Path

import pytest

from ivr_flows.errors import FlowInvalid
from ivr_flows.loader import load_bytes

SOUND = Path(__file__).with_name("sound.yaml").read_text(encoding="utf-8")


def problems_of(text: str) -> list[str]:
    with pytest.raises(FlowInvalid) as caught:
        load_bytes(text.encode(), "lunch.yaml")
    return [str(problem) for problem in caught.value.problems]


def line_of(text: str, words: str) -> int:
    return text[: text.index(words)].count("\n") + 1


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
    "an unknown variable in a hint": (
        "    max: 20\n",
        '    max: 20\n    hints: [dal, "{{ gest }}"]\n',
        "{{ gest }}",
        'node "ask_count": unknown variable "gest"',
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
    "a comparison with one equals sign": (
        "{when: count > 10, then: person}",
        "{when: \"dish = 'rice'\", then: person}",
        "{when:",
        "the condition can't be read",
        'compare with two equals signs: state == "delivered"',
    ),
    "a condition that can't be read": (
        "{when: count > 10, then: person}",
        "{when: 'dish == \"a=b\" and', then: person}",
        "{when:",
        "the condition can't be read",
        'write e.g. amount > 500 and city == "Pune"',
    ),
    "a text that compares with one equals sign": (
        "Hello {{ guest }}.",
        "Hello {% if guest = 'Asha' %}you{% endif %}.",
        "{% if guest",
        "the text can't be read",
        "compare with two equals signs",
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
    "a key that no carrier sends": (
        'rice: {keys: ["1"]',
        'rice: {keys: ["A"]',
        '["A"]',
        "'A' can't stand here",
        'write one key in quotes: "0" to "9"',
    ),
    "a phrase that is the key of another choice": (
        "en: [rice]",
        "en: [rice, two]",
        "en: [rice, two]",
        '"two" of "rice" is understood as "bread"',
        "give each answer its own",
    ),
    "a phrase that is the builtin of another choice": (
        'rice: {keys: ["1"], phrases: {en: [rice]',
        'nobody: {keys: ["3"], builtin: "no", then: bye}\n'
        '      rice: {keys: ["1"], builtin: "yes", phrases: {en: [rice, nope]',
        "en: [rice, nope]",
        '"nope" of "rice" is understood as "nobody"',
        "give each answer its own",
    ),
    "a read-back key that counts anywhere": (
        "    max: 20\n",
        '    max: 20\n    read_back: {prompt: {en: "x", hi: "y"}, yes_key: "9"}\n',
        "yes_key",
        'key 9 means both yes and "operator"',
        "choose another yes_key",
    ),
    "a default outside of the limits": (
        "count: {type: integer",
        "count: {min: 3, default: 2, type: integer",
        "count: {min",
        "variable \"count\", default: '2' is not an integer of at least 3",
        "write a value",
    ),
    "limits of a text": (
        "city: {default: Pune}",
        "city: {default: Pune, min: 1}",
        "city: {default",
        'variable "city" is a text and has a min',
        "declare it as integer or number",
    ),
    "a least value over the most": (
        "count: {type: integer",
        "count: {min: 3, max: 2, type: integer",
        "count: {min",
        'variable "count": min is more than max',
        "swap the two",
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
    "an example of another type": (
        "city: {default: Pune}",
        "city: {type: number, default: 2, example: lots}",
        "city: {type",
        "variable \"city\", example: 'lots' is not a number; write",
        "write a value of type number, e.g. 2.5",
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
    assert SOUND.count(old) == 1, "the case must change one place"
    text = SOUND.replace(old, new)
    line = line_of(text, place)
    found = problems_of(text)
    assert any(
        problem.startswith(f"lunch.yaml:{line}: ") and message in problem and fix in problem
        for problem in found
    ), "\n".join(found)
