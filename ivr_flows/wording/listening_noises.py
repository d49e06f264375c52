"""What people say while they listen, and what takes the floor from whoever speaks."""

from ivr_flows.wording.utterance import folds_of, words_of

_FOLLOWING = folds_of(
    "hm hmm mm mhm uh huh um ah aah oh ooh yes yeah yep yup yea ok okay right sure alright fine got"
    " it i see you very good great nice really correct exactly thanks thank you"
    " haan han ha haanji ji jee achha accha acha theek thik hai he sahi hun hoon bilkul"
    " ho hoy hoo bara bar barr barobar aahe ahe"
)
"""Words of a listener who follows; nothing else may stand beside them. "You" is also what Moonshine
makes of a cough."""

_HUMS = folds_of("hm hmm mm mhm uh huh um ah aah oh ooh")

_UNCLEAR = folds_of(
    "so the a an and then but or for to in on of at by if as i it it's is was what's he she they"
    " them that this there"
)
"""What a recogniser makes of half a word, or what says nothing yet."""

_MOST_WORDS = 4  # more of them, and somebody has something to say

_TAKES_THE_FLOOR = folds_of(
    "wait stop no nope not hold listen excuse hello sorry what why"
    " nahi nahin nako naa ruko rukiye suno suniye kya kaun kyun kahan kab kaise thamba thamb aika"
    " kay kon kuthe kadhi kasa"
)

_ASKS = folds_of(
    "what who why where when which how can could do does did is are am will would may shall have"
    " has"
)
"""Words that begin a question; alone, some are what a "haan" or a "ho" is written down as."""


def only_follows(text: str) -> bool:
    """Whether somebody who is being told something says no more than that they follow: "haan"."""
    words = words_of(text)
    if not words or len(words) > _MOST_WORDS or ("?" in text and len(words) > 1):
        return False  # of one word the recogniser doesn't hear the tune: "Right?" is a "right"
    return all(word.folded in _FOLLOWING for word in words)


def hums(text: str) -> bool:
    """Whether it is a sound and no word: "mm-hmm", "uh"."""
    words = words_of(text)
    return bool(words) and all(word.folded in _HUMS for word in words)


def is_unclear(text: str) -> bool:
    """Whether the words say nothing yet of what their speaker wants."""
    return all(word.folded in _UNCLEAR | _FOLLOWING for word in words_of(text))


def takes_the_floor(text: str) -> bool:
    """Whether the words want the other to stop: "wait", "no", a question."""
    words = words_of(text)
    is_question = len(words) > 1 and words[0].folded in _ASKS
    return is_question or any(word.folded in _TAKES_THE_FLOOR for word in words)
