"""What a caller says beside their matter: a person is wanted, they are angry, not understood; pure.

The tables hold what people say to machines on the telephone, in both scripts. They lean to one
side on purpose: who is brought to a person too soon has lost less than who is kept from one.
"""

from collections.abc import Iterable
from functools import lru_cache

from ivr_flows.wording.utterance import words_of
from ivr_flows.wording.vocabulary import vocabulary

_NO_ASK = frozenset({"i need help", "need help", "support person"})
"""Of the menus' phrases: in a conversation they ask for what it is there for."""

_PERSON = """talk to human, talk to a real, speak to human, speak to a real, talk with a person,
talk with a human, speak with a human, speak with an agent, want a person, want a real person,
want an agent, want a human, want your manager, want the manager, get me your manager, get me a
manager, get me someone, get me somebody, connect me with, let me speak to, let me talk to, give
me someone, is there a person, is there anyone i can, not a machine, not a robot, not to a
machine, not to a robot, stop this machine, actual person, actual human, human please, person
please, someone else please, somebody else please, your senior, your boss, talk to a senior,
speak to a senior, इंसान से बात, आदमी से बात, किसी इंसान, किसी आदमी, मैनेजर से बात, किसी से बात, असली
इंसान, मैनेजर चाहिए, सीनियर से बात, मॅनेजर पाहिजे, मॅनेजर हवा, माणूस पाहिजे, manager chahiye,
senior se baat, manager pahije, manus pahije, insaan se baat, aadmi se baat, kisi insaan,
manager se baat, kisi se baat, bande se baat, माणसाशी बोल, माणसाशी बोलायचं, माणसाशी बोलू, कोणाशी
तरी बोल, खऱ्या माणसाशी, मॅनेजरशी बोल, mansashi bol, mansashi bolaycha, konashi tari bol,
managershi bol"""

_ANGER = """this is ridiculous, ridiculous, useless, fed up, sick of this, sick and tired, worst
service, worst company, worst experience, worst ever, you are the worst, what the hell, go to
hell, pathetic, stupid, idiot, idiots, shut up, nonsense, waste of time, wasting my time,
terrible service, horrible, disgusting, damn, bloody, bullshit, fuck, fucking, shit, are you
deaf, rubbish, complain about you, i will sue, consumer court, how dare you, cheat, cheating,
cheats, fraud, बकवास, बेकार, घटिया, पागल, बेवकूफ, बेवक़ूफ़, चुप, धोखा, फ्रॉड, तंग आ, परेशान हो
गया, परेशान हो गई, दिमाग खराब, दिमाग़ ख़राब, टाइम खराब, हद हो गई, bakwas, bakwaas, bekar,
bekaar, ghatiya, pagal, bewakoof, bevkuf, chup, dhokha, tang aa, pareshan ho gaya, pareshan ho
gayi, dimag kharab, had ho gayi, मूर्ख, वेड, फसवणूक, फसवता, वैताग, वैतागलो, वैतागले, कंटाळलो,
कंटाळले, डोकं फिर, काय चाललंय, लाज, murkh, vaitag, vaitaglo, kantalalo, phasavta, doka phir"""

_MISSED = """you dont understand, you do not understand, you didnt understand, you are not
understanding, not what i said, not what i asked, not what i meant, thats not it, i already told
you, i already said, i told you already, i just told you, how many times do i, how many times
must i, how many times have i, how many times should i, you are not listening, listen to me, no
i said, wrong answer, you got it wrong, you keep, same thing again, again and again, समझ नहीं
रहे, समझ नहीं रही, समझे नहीं, नहीं समझे, मैंने ये नहीं, मैंने यह नहीं, कितनी बार, पहले ही बताया,
पहले भी बताया, ग़लत, गलत, सुन नहीं रहे, सुन नहीं रही, मेरी बात सुनो, samajh nahi rahe, samajh
nahi rahi, samjhe nahi, maine ye nahi, kitni baar, pehle hi bataya, pehle bhi bataya, galat, sun
nahi rahe, meri baat suno, समजत नाही, समजलं नाही तुम्हाला, मी असं नाही, किती वेळा, आधीच
सांगितलं, चुकीचं, ऐकत नाही, माझं ऐका, samjat nahi, kiti vela, adhich sangitla, chukicha, aikat
nahi, maza aika"""

_MISSED_AT_THE_END = """thats wrong, that is wrong"""
"""With more behind them they tell something: "that's wrong number"."""

_WISHES = frozenset(("connect", "transfer", "bring", "get", "give", "want", "need", "put", "talk"))
_PEOPLE = frozenset(
    ("person", "human", "agent", "operator", "manager", "supervisor", "representative", "executive")
)
_NOTS = frozenset({"not", "dont", "never"})
_NEAR_WORDS = 5  # "connect me to one of your agents" is as far as people go
_DECLINED_BEFORE = (("dont", "want"), ("not", "want"), ("dont", "need"), ("not", "need"))
_DECLINED_AFTER = frozenset({"nahi", "nahin", "nako", "नहीं", "नाही", "नको"})


def asks_for_person(text: str, phrases: Iterable[str], language: str) -> bool:
    """Whether a person is asked for, anywhere in what was said.

    `phrases`: the flow's own for it; `language`: ISO 639-1, of the call.
    """
    said = tuple(word.folded for word in words_of(text))
    written = tuple(word.written for word in words_of(text))
    known = (*_folded(tuple(phrases)), *_operator(language), *_folded(_listed(_PERSON)))
    places = ((at, at + len(phrase)) for phrase in known for at in _places(said, phrase))
    if any(not _is_declined(written, start, stop) for start, stop in places):
        return True
    return said in _alone(language) or _brings_person(written)


def _brings_person(written: tuple[str, ...]) -> bool:
    """ "Connect me to an agent", "bring me to a person": somebody, close behind a wish for them."""
    for at, word in enumerate(written):
        before = tuple(each for each in written[max(0, at - 3) : at] if each != "to")[-2:]
        is_wish = word in _WISHES and _NOTS.isdisjoint(before)
        if is_wish and _PEOPLE & set(written[at + 1 : at + 1 + _NEAR_WORDS]):
            return True
    return False


def is_angry(text: str) -> bool:
    """Whether the words are those of somebody who has had enough."""
    return _holds(text, _ANGER)


def is_misunderstood(text: str) -> bool:
    """Whether they say that they were not understood."""
    said = tuple(word.folded for word in words_of(text))
    ends = _folded(_listed(_MISSED_AT_THE_END))
    return _holds(text, _MISSED) or any(said[-len(end) :] == end for end in ends)


def _holds(text: str, table: str) -> bool:
    said = tuple(word.folded for word in words_of(text))
    return any(_places(said, phrase) for phrase in _folded(_listed(table)))


def _places(said: tuple[str, ...], phrase: tuple[str, ...]) -> list[int]:
    length = len(phrase)
    return [at for at in range(len(said) - length + 1) if said[at : at + length] == phrase]


def _is_declined(written: tuple[str, ...], start: int, stop: int) -> bool:
    """ "I don't want to talk to a person", "किसी से बात नहीं करनी"."""
    before = tuple(word for word in written[max(0, start - 3) : start] if word != "to")
    return before[-2:] in _DECLINED_BEFORE or bool(_DECLINED_AFTER & set(written[stop : stop + 1]))


@lru_cache(maxsize=8)
def _operator(language: str) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(word.folded for word in phrase.words)
        for phrase in vocabulary(language).phrases
        if phrase.meaning == "operator"
        and not phrase.manner.alone
        and " ".join(word.written for word in phrase.words) not in _NO_ASK
    )


@lru_cache(maxsize=8)
def _alone(language: str) -> frozenset[tuple[str, ...]]:
    return frozenset(
        tuple(word.folded for word in phrase.words)
        for phrase in vocabulary(language).phrases
        if phrase.meaning == "operator"
        and phrase.manner.alone
        and "help" not in {word.written for word in phrase.words}
    )


@lru_cache(maxsize=8)
def _listed(table: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in table.split(","))


@lru_cache(maxsize=256)
def _folded(phrases: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    folded = (tuple(word.folded for word in words_of(phrase)) for phrase in phrases)
    return tuple(phrase for phrase in folded if phrase)
