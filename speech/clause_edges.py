"""What lies between two words of a text: nothing to break at, or the end of more or less.

Pure. The tables are short on purpose: a break that is missed only makes a longer piece, and the
piece after it starts a little later; a wrong one is heard as a pause inside a name or a number.
"""

import enum
import re
from dataclasses import dataclass

from speech.errors import LanguageUnsupported


class Edge(enum.IntEnum):
    """What ends with a token, from the place where no one would breathe to the best one."""

    UNKNOWN = 0  # the text that decides it has not come yet
    GLUED = 1  # a title and its name, two parts of a number: broken only if all is glued
    LEANING = 2  # a number and what it counts, "the" and its noun: broken only by the limit
    WORD = 3
    TURN = 4  # a clause without a sign: the next word is "but", "because", लेकिन, कारण
    CLAUSE = 5
    SENTENCE = 6


@dataclass(frozen=True, slots=True)
class Words:
    """What a language writes with a full stop, and which words it does not part from others."""

    titles: frozenset[str]  # written with a stop that never ends a sentence; in lower case
    before_number: frozenset[str]  # the same, where a number follows
    may_end: frozenset[str]  # a sentence ends here only if a capital follows
    leaning: frozenset[str]  # no break after them: the, of, to
    trailing: frozenset[str]  # no break before them: का, में, आहे
    turning: frozenset[str]  # a clause begins with them


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ENGLISH = Words(
    titles=_set(
        "dr mr mrs ms messrs prof rs smt shri sri kum st mt gen col maj capt lt sgt hon rev fr "
        "pvt co govt dept approx viz vs cf e.g i.e eg ie incl excl tel mob attn adv er ca"
    ),
    before_number=_set(
        "no nos num fig vol pp p pg art sec ch ext ph re apt flat bldg rm qty sl sr ref ver v"
    ),
    may_end=_set(
        "etc a.m p.m am pm inc ltd corp jr ave rd blvd ph.d al jan feb mar apr jun jul aug sep "
        "max min sept oct nov dec mon tue tues wed thu thur thurs fri sat sun hrs hr mins kg km cm "
        "gm"
    ),
    leaning=_set(
        "a an the of to in on at by for from with and or nor my your our his her their its this "
        "that these those is are was were be been will would shall should can could may might "
        "must has have had do does did not no very as if when i we you he she they it than about "
        "into over under between mr mrs ms dr am"
    ),
    trailing=frozenset(),
    turning=_set("but because although though while unless whereas until which so then however"),
)
_HINDI = Words(
    titles=_set(
        "डॉ डा श्री श्रीमती सुश्री कु प्रो रु रू क्र नं सं पं कि मि सें ग्रा मो दू उदा पृ इं एड स्व कै ज़ि जि ता त"
    ),
    before_number=_set("नम्बर भाग"),
    may_end=_set("इत्यादि आदि इ मी"),
    leaning=_set("और या एक इस उस यह वह मेरा मेरी मेरे आपका आपकी आपके हमारा हमारी हमारे न नहीं बहुत कुल"),
    trailing=_set(
        "का की के को से में पर ने तक है हैं था थी थे हूँ हूं हो भी ही तो वाला वाली वाले लिए साथ बाद "
        "पास गया गई गए रहा रही रहे होगा होगी होंगे सकते सकता सकती बजे रुपये रुपए"
    ),
    turning=_set("लेकिन मगर परंतु परन्तु किंतु क्योंकि ताकि जबकि इसलिए कि"),
)
_MARATHI = Words(
    titles=_set(
        "डॉ श्री श्रीमती सौ कु चि प्रा रु रू क्र नं सं पं कि मि सें ग्रा मो दू उदा पृ दि ता जि मु पो "
        "कै ॲड अॅड ह.भ.प पु वि"
    ),
    before_number=_set("भाग"),
    may_end=_set("इत्यादी इ मी"),
    leaning=_set("आणि व किंवा एक हा ही हे तो ती ते माझा माझी माझे तुमचा तुमची तुमचे आपला आपली आपले खूप एकूण"),
    trailing=_set(
        "आहे आहेत आहात होता होती होते नाही नाहीत साठी मध्ये वर खाली पर्यंत पासून बरोबर नंतर च का "
        "वाजता रुपये रुपयांचा झाला झाली झाले"
    ),
    turning=_set("पण परंतु कारण म्हणून मात्र जेणेकरून"),
)
_LETTER_NAMES = _set(
    "ए बी सी डी ई एफ एच जे के एल एम एन ओ पी क्यू आर एस टी यू वी व्ही डब्ल्यू एक्स वाय वाई जेड झेड"
)
"""English letters in Devanagari, as initials are written (ए. पी. जे.); not जी, which people say."""


def _with_english(own: Words) -> Words:
    """English is written in the midst of Hindi and Marathi: "Dr. शर्मा", "Rs. 500"."""
    return Words(
        own.titles | _ENGLISH.titles,
        own.before_number | _ENGLISH.before_number,
        own.may_end | _ENGLISH.may_end,
        own.leaning | _ENGLISH.leaning,
        own.trailing,
        own.turning | _ENGLISH.turning,
    )


_WORDS = {"en": _ENGLISH, "hi": _with_english(_HINDI), "mr": _with_english(_MARATHI)}

ENDS = "!?।॥"
_STOPS = f".…{ENDS}"
_CLAUSE_SIGNS = ",;:—–"
_QUOTES = "\"'”’»"
_BEFORE_WORD = re.compile(r"^[(\[{\"'“‘«*_`#]+")
_AFTER_PUNCTUATION = re.compile(rf"[^\w\u0900-\u0963{re.escape(_STOPS + _CLAUSE_SIGNS)}]+$")
_LONE_DASH = re.compile(r"\s-$")
_LAST_STOPS = re.compile(rf"[{re.escape(_STOPS)}]+$")
_PART = re.compile(r"[/(\[–—]")
_OPENS_NEXT = re.compile(r"^[(\[{“‘«*_`#•₹$€£@+&<]+$")
_LIST_MARK = re.compile(r"^(?:[-*•–—]|[0-9०-९]{1,2}[.)]|[A-Za-z][)])$")
_LIST_MARK_START = re.compile(r"^(?:[-*•–—]|[0-9०-९]{1,2}[.)]?|[A-Za-z][)]?)$")
_YEAR = re.compile(r"^(?:19|20|१९|२०)\d\d(?!\d)")  # after a month and a comma
_CURRENCY = ("₹", "$", "€", "£", "#", "+")
_MARKS = "\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963"
_CONSONANT = "\u0904-\u0939\u0958-\u0961"
_INITIAL = re.compile(rf"^(?:[A-Z]|[{_CONSONANT}])$")
_DOTTED = re.compile(
    rf"^(?:[A-Za-z]|[{_CONSONANT}][{_MARKS}]*)"
    rf"(?:\.(?:[A-Za-z]{{1,4}}|[{_CONSONANT}][\u0900-\u0963]{{0,5}}))+$"
)
"""e.g, U.S.A, B.Tech, कि.मी"""


def words_of(language: str) -> Words:
    """The tables of a language, ISO 639-1; a region is ignored ("en-IN").

    Raises:
        LanguageUnsupported: there are none.
    """
    words = _WORDS.get(language.replace("_", "-").partition("-")[0].lower())
    if words is None:
        known = ", ".join(_WORDS)
        raise LanguageUnsupported(f"no clauses for language {language!r}, only {known}")
    return words


def has_word(text: str) -> bool:
    """Whether anything in `text` would be said."""
    return any(character.isalnum() for character in text)


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


@dataclass(frozen=True, slots=True)
class Next:
    """What has come after a token."""

    gap: str  # the white space before it, "" where a word was divided
    text: str  # up to the next white space, as far as it has come
    is_complete: bool

    @property
    def first(self) -> str:
        """The first character that counts, without quotes and brackets; "" if not there yet."""
        return _BEFORE_WORD.sub("", self.text)[:1]

    @property
    def joins_back(self) -> bool | None:
        """Whether it is an emoji or a sign that goes with the word before; None if unknown."""
        if has_word(self.text):
            return False
        if not self.is_complete:
            return None
        return not ("\n" in self.gap or _OPENS_NEXT.match(self.text))


def edge(token: str, following: Next, words: Words, *, starts_sentence: bool) -> Edge:
    """What ends with `token`: a word with the signs behind it, also those after a space.

    `starts_sentence`: nothing was said before it in this sentence, so that "1." is a list's
    number. Never UNKNOWN when `following` is complete; when it is not, what is returned holds
    for whatever completes it.
    """
    joins_back = following.joins_back
    if joins_back is None:
        return Edge.UNKNOWN
    if joins_back:
        return Edge.GLUED
    by_sign = _edge_of_signs(token, following, words, starts_sentence)
    if by_sign in (Edge.UNKNOWN, Edge.SENTENCE, Edge.GLUED):
        return by_sign
    by_line = _edge_of_line(following)
    if by_line is Edge.UNKNOWN or by_line > by_sign:
        return by_line
    return by_sign if by_sign is Edge.CLAUSE else _edge_of_words(token, following, words)


def _edge_of_signs(token: str, following: Next, words: Words, starts_sentence: bool) -> Edge:
    """By the signs at the end: SENTENCE, CLAUSE or GLUED (an abbreviation); WORD without any."""
    if _LONE_DASH.search(token):
        return _edge_of_comma(token, following)
    plain = _AFTER_PUNCTUATION.sub("", token)
    stops = _LAST_STOPS.search(plain)
    if stops is None:
        is_comma = plain != "" and plain[-1] in _CLAUSE_SIGNS
        return _edge_of_comma(plain, following) if is_comma else Edge.WORD
    first = following.first
    if not first and not following.is_complete:
        return Edge.UNKNOWN
    if first.islower() and any(quote in token[len(plain) :] for quote in _QUOTES):
        return Edge.CLAUSE  # "Stop!" he said
    if any(sign in stops.group() for sign in ENDS):
        return Edge.SENTENCE
    if stops.group() != ".":  # an ellipsis: only a capital tells that a new sentence begins
        return Edge.SENTENCE if first.isupper() else Edge.CLAUSE
    word = _BEFORE_WORD.sub("", plain[: stops.start()].rstrip())
    return _edge_of_stop(_PART.split(word)[-1], following, words, starts_sentence)


def _edge_of_stop(word: str, following: Next, words: Words, starts_sentence: bool) -> Edge:
    """SENTENCE or GLUED: `word` stands before one full stop."""
    small, first = word.lower(), following.first
    if small in words.titles or word in _LETTER_NAMES or _INITIAL.match(word):
        return Edge.GLUED
    if small in words.before_number:
        if _has_digit(following.text) or first in _CURRENCY:
            return Edge.GLUED
        return Edge.SENTENCE if following.is_complete else Edge.UNKNOWN
    if small in words.may_end:
        return Edge.SENTENCE if first.isupper() else Edge.GLUED
    if _DOTTED.match(word):
        return Edge.GLUED
    if word[-1:].isdigit():
        is_list_number = starts_sentence and len(word) <= 2
        is_glued = is_list_number or first.isdigit() or first.islower()
        return Edge.GLUED if is_glued else Edge.SENTENCE
    return Edge.SENTENCE


def _edge_of_comma(plain: str, following: Next) -> Edge:
    """CLAUSE, but GLUED between two numbers: "November 20, 2026", "10 - 15", "1, 2 or 3"."""
    if not plain[:-1].rstrip()[-1:].isdigit():
        if not following.is_complete and following.text[:1].isdigit():
            return Edge.UNKNOWN
        return Edge.GLUED if _YEAR.match(following.text) else Edge.CLAUSE
    if _has_digit(following.text):
        return Edge.GLUED
    return Edge.CLAUSE if following.is_complete else Edge.UNKNOWN


def _edge_of_line(following: Next) -> Edge:
    """By the white space: SENTENCE before an empty line or a list's item, CLAUSE before a line."""
    lines = following.gap.count("\n")
    if not lines:
        return Edge.WORD
    if lines > 1:
        return Edge.SENTENCE
    if following.is_complete:
        return Edge.SENTENCE if _LIST_MARK.match(following.text) else Edge.CLAUSE
    return Edge.UNKNOWN if _LIST_MARK_START.match(following.text) else Edge.CLAUSE


def _edge_of_words(token: str, following: Next, words: Words) -> Edge:
    """Between two words without a sign: GLUED, LEANING, WORD or TURN."""
    if not following.gap or _OPENS_NEXT.match(token) or token[-1:] in _CURRENCY:
        return Edge.GLUED
    if _has_digit(following.text):
        return Edge.GLUED if _has_digit(token) else Edge.LEANING
    if not following.is_complete:
        return Edge.UNKNOWN
    if _has_digit(token) or _bare(token) in words.leaning:
        return Edge.LEANING
    if _bare(following.text) in words.trailing:
        return Edge.LEANING
    return Edge.TURN if _bare(following.text) in words.turning else Edge.WORD


def _bare(token: str) -> str:
    """The word in small letters without any sign around it."""
    word = _AFTER_PUNCTUATION.sub("", _BEFORE_WORD.sub("", token))
    return word.rstrip(_STOPS + _CLAUSE_SIGNS).lower()
