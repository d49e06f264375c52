"""Documents cut into passages short enough for a model's context and for the telephone. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_CHARACTERS = 700
"""Of one passage: about 120 words, the answer to one question and its conditions. Longer, and four
of them crowd the model's context and its first token comes late; shorter, and a rule is cut from
its exception."""

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_BLANK = re.compile(r"\n[ \t]*\n+")
_SENTENCE_END = re.compile(r"(?<=[.!?।॥])\s+")
_HYPHENATED = re.compile(r"(?<=[a-z])-\n(?=[a-z])")


@dataclass(frozen=True, slots=True)
class Cutting:
    """A passage before it is indexed."""

    heading: str  # "Refunds > By card"; "page 3" in a PDF; "" where there is none
    text: str


def cut_markdown(text: str) -> tuple[Cutting, ...]:
    """Passages of Markdown, by headings and paragraphs. Raises nothing."""
    text = _COMMENT.sub("", _FRONT_MATTER.sub("", _lines(text)))
    return tuple(
        Cutting(heading, piece)
        for heading, body in _sections(text.split("\n"))
        for piece in _pieces(_LINK.sub(r"\1", body))
    )


def cut_text(text: str) -> tuple[Cutting, ...]:
    """Passages of plain text, by paragraphs. Raises nothing."""
    return tuple(Cutting("", piece) for piece in _pieces(_lines(text)))


def cut_pages(pages: list[str]) -> tuple[Cutting, ...]:
    """Passages of a PDF's pages, whose lines break where the paper ended. Raises nothing."""
    return tuple(
        Cutting(f"page {number}", piece)
        for number, page in enumerate(pages, 1)
        for piece in _pieces(_HYPHENATED.sub("", _lines(page)), joins_lines=True)
    )


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def _sections(lines: list[str]) -> Iterator[tuple[str, str]]:
    """The heading, with those it stands under, and what follows it up to the next."""
    path: list[tuple[int, str]] = []
    body: list[str] = []
    fence = ""

    def section() -> tuple[str, str]:
        return " > ".join(title for _, title in path if title), "\n".join(body)

    for line in lines:
        marks = _FENCE.match(line)
        if marks:
            fence = "" if fence == marks[1] else fence or marks[1]
        found = None if fence else _HEADING.match(line)
        under = None if fence else _UNDERLINE.match(line)
        if found:
            level, title = len(found[1]), found[2]
        elif under and body and body[-1].strip() and (len(body) < 2 or not body[-2].strip()):
            level, title = (1 if under[1][0] == "=" else 2), body.pop().strip()
        else:
            body.append(line)
            continue
        yield section()
        body.clear()
        path = [each for each in path if each[0] < level]
        path.append((level, _LINK.sub(r"\1", title).strip()))
    yield section()


def _pieces(text: str, *, joins_lines: bool = False) -> Iterator[str]:
    """Paragraphs, short ones joined and long ones cut at the ends of sentences."""
    held = ""
    for paragraph in _BLANK.split(text):
        whole = " ".join(paragraph.split()) if joins_lines else paragraph.strip("\n").rstrip()
        if not whole.strip():
            continue
        if held and len(held) + len(whole) + 1 > MOST_CHARACTERS:
            yield held
            held = ""
        if len(whole) <= MOST_CHARACTERS:
            held = f"{held}\n{whole}" if held else whole
            continue
        yield from _cut(whole)
    if held:
        yield held


def _cut(paragraph: str) -> Iterator[str]:
    held = ""
    for unit in _units(paragraph):
        if held and len(held) + len(unit) + 1 > MOST_CHARACTERS:
            yield held
            held = ""
        held = f"{held} {unit}" if held and "\n" not in unit else held + unit
    if held.strip():
        yield held.strip()


def _units(paragraph: str) -> Iterator[str]:
    """Lines of a list or table, sentences, and where one is endless, its words."""
    parts = [line + "\n" for line in paragraph.split("\n")] if "\n" in paragraph else [paragraph]
    for part in parts:
        if len(part) <= MOST_CHARACTERS:
            yield part
            continue
        for sentence in _SENTENCE_END.split(part):
            while len(sentence) > MOST_CHARACTERS:
                at = sentence.rfind(" ", 1, MOST_CHARACTERS)
                at = at if at > 0 else MOST_CHARACTERS
                yield sentence[:at].strip()
                sentence = sentence[at:].strip()
            if sentence.strip():
                yield sentence.strip()
