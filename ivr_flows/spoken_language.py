"""When a call goes on in another language because the caller speaks it. Pure.

One utterance is too little to go by: a recogniser takes a short "no" for "नो", and a Hindi speaker
answers an English question with "haan" and then goes on in English. Two in a row that agree are a
choice.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpokenLanguage:
    """The language that a call is held in, and what its caller seems to speak."""

    language: str  # ISO 639-1
    other: str = ""  # another, if the last utterance was in it

    def after(self, heard: str, known: tuple[str, ...]) -> "SpokenLanguage":
        """Behind an utterance with words, in the language `heard` ("" if it isn't known).

        `known` are the languages that the call can be held in.
        """
        if not heard:
            return self
        if heard == self.language or heard not in known:
            return SpokenLanguage(self.language)
        if heard == self.other:
            return SpokenLanguage(heard)
        return SpokenLanguage(self.language, heard)
