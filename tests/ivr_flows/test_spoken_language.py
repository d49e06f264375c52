"""A call changes its language for two utterances in a row that agree, and for no fewer."""

import pytest

from ivr_flows.spoken_language import SpokenLanguage

KNOWN = ("en", "hi", "mr")


@pytest.mark.parametrize(
    ("heard", "languages"),
    [
        (["en", "en"], ["en", "en"]),
        (["hi"], ["en"]),
        (["hi", "hi"], ["en", "hi"]),
        (["hi", "en", "hi"], ["en", "en", "en"]),
        (["hi", "mr", "hi"], ["en", "en", "en"]),
        (["hi", "mr", "mr"], ["en", "en", "mr"]),
        (["hi", "hi", "en", "en"], ["en", "hi", "hi", "en"]),
        (["hi", "", "hi"], ["en", "en", "hi"]),
        (["ta", "ta"], ["en", "en"]),
        (["hi", "ta", "hi"], ["en", "en", "en"]),
    ],
)
def test_two_utterances_that_agree_change_the_language(
    heard: list[str], languages: list[str]
) -> None:
    now, seen = SpokenLanguage("en"), list[str]()
    for one in heard:
        now = now.after(one, KNOWN)
        seen.append(now.language)
    assert seen == languages
