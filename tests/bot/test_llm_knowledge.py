"""The knowledge base: what is read of a folder, and what is found in it."""

import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bot.cli import app
from bot.errors import StartFailed
from bot.llm.embeddings import Embedder, EmbeddingEndpoint
from bot.llm.knowledge import KnowledgeBase, Passage, open_knowledge
from bot.llm.passage_index import PassageIndex
from bot.llm.passages import MOST_CHARACTERS, cut_markdown, cut_pages, cut_text
from tests.llm_peer import Hang, HttpError, LlmPeer, Page, llm_peer

SHOP: dict[str, str] = {
    "shop.md": """---
title: not for callers
---
# Refunds

We pay back within 5 days.

## By card

Card refunds take 7 days. See [our terms](https://example.com/terms).

# Prices
| item | price |
|---|---|
| Paneer Tikka | 240 |
| Masala Chai | 30 |
""",
    "hindi.txt": "दुकान सुबह 10:30 बजे खुलती है। सोमवार को दुकान बंद रहती है।",
    "deep/marathi.txt": "परतावा पाच दिवसांत मिळेल. पत्ता: लक्ष्मी रस्ता, पुणे.",
}


def folder_of(where: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return where


async def opened(where: Path, files: Mapping[str, str | bytes]) -> KnowledgeBase:
    return await open_knowledge(folder_of(where, files))


async def found(base: KnowledgeBase, query: str, limit: int = 4) -> list[Passage]:
    return list(await base.search(query, limit))


def pdf_of(*pages: str) -> bytes:
    """A PDF of these pages, in Helvetica, a line of it for each of theirs."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * at} 0 R" for at in range(len(pages)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for at, page in enumerate(pages):
        lines = "".join(f"({line}) Tj 0 -14 Td " for line in page.split("\n"))
        drawn = f"BT /F1 12 Tf 72 720 Td {lines}ET".encode()
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents "
            + f"{5 + 2 * at} 0 R".encode()
            + b" /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n".encode() + drawn + b"\nendstream")
    out = BytesIO(b"%PDF-1.4\n")
    out.seek(0, os.SEEK_END)
    places: list[int] = []
    for number, content in enumerate(objects, 1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n".encode() + content + b"\nendobj\n")
    table = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    out.write(b"".join(f"{place:010d} 00000 n \n".encode() for place in places))
    trailer = f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF"
    out.write(trailer.encode())
    return out.getvalue()


def locked(content: bytes, password: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=BytesIO(content))
    writer.encrypt(password, algorithm="RC4-128")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


# What is found

ANSWERS = [
    ("how long does a card refund take?", "shop.md", "7 days"),
    ("refunded", "shop.md", "days"),
    ("WE PAY BACK!!!", "shop.md", "5 days"),
    ("what does the paneer tikka cost", "shop.md", "240"),
    ("दुकान कब खुलती है", "hindi.txt", "10:30"),
    ("दुकानें", "hindi.txt", "10:30"),
    ("dukan kab khulti hai", "hindi.txt", "10:30"),
    ("१०:३०", "hindi.txt", "10:30"),
    ("पनीर टिक्का कितने का है", "shop.md", "240"),
    ("परताव्याचे दिवस", "deep/marathi.txt", "पाच"),
    ("लक्ष्मी रस्त्यावर", "deep/marathi.txt", "पुणे"),
    ("पुणे", "deep/marathi.txt", "पुणे"),
]


@pytest.mark.parametrize(("query", "source", "said"), ANSWERS)
async def test_a_question_finds_the_passage_that_answers_it(
    query: str, source: str, said: str, tmp_path: Path
) -> None:
    best = (await found(await opened(tmp_path, SHOP), query))[0]
    assert best.source == source
    assert said in best.text
    assert best.score > 0


@pytest.mark.parametrize("query", ["", "   ", "the of is", "capital of France", "😀", "?!", "क्या"])
async def test_a_question_that_no_document_answers_finds_nothing(
    query: str, tmp_path: Path
) -> None:
    assert await found(await opened(tmp_path, SHOP), query) == []


async def test_vowel_signs_tell_words_apart(tmp_path: Path) -> None:
    base = await opened(tmp_path, {"a.txt": "किताब", "b.txt": "कतब", "c.txt": "कुतुब"})
    assert [each.source for each in await found(base, "किताब")] == ["a.txt"]


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("ज़्यादा", "ज्यादा"),
        ("हाँ", "हां"),
        ("\u0958\u0932\u092e", "क़लम"),
        ("क्\u200dया", "क्या"),
        ("Café", "cafe"),
        ("ﬁle", "FILE"),
    ],
)
async def test_spellings_without_a_difference_are_the_same(
    written: str, asked: str, tmp_path: Path
) -> None:
    base = await opened(tmp_path, {"a.txt": f"{written} और", "b.txt": "कुछ और"})
    assert [each.source for each in await found(base, asked)] == ["a.txt"]


HOSTILE = [
    '"',
    '""',
    'refund"',
    "' OR 1=1 --",
    '"; DROP TABLE words; --',
    "NEAR(refund card, 2)",
    "refund AND",
    "NOT refund",
    "AND OR NOT",
    "heading : refund",
    "{heading body} : refund",
    "-sound : refund",
    "^refund",
    "refund*",
    "(((((",
    ")",
    "refund + card",
    "re\x00fund",
    "\ud800",
    "a" * 100_000,
    "refund " * 10_000,
    "%s %n {} ${x}",
]


@pytest.mark.parametrize("query", HOSTILE)
async def test_nothing_in_a_question_is_taken_for_the_indexs_language(
    query: str, tmp_path: Path
) -> None:
    base = await opened(tmp_path, SHOP)
    await base.search(query)
    assert "7 days" in (await found(base, "card refunds"))[0].text


@given(st.text(max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_text_may_be_asked(query: str) -> None:
    index = PassageIndex()
    index.add([("Refunds", "Card refunds take 7 days"), ("", query)])
    try:
        assert all(number in (0, 1) for number, _ in index.find(query, 4))
        assert index.find("refunds", 1)[0][0] in (0, 1)
    finally:
        index.close()


@pytest.mark.parametrize(("limit", "count"), [(-1, 0), (0, 0), (1, 1), (2, 2), (999, 3)])
async def test_no_more_passages_than_asked_for(limit: int, count: int, tmp_path: Path) -> None:
    base = await opened(tmp_path, {f"{name}.txt": "tea house" for name in "abc"})
    assert len(await base.search("tea", limit)) == count


# How documents are cut


def test_a_passage_knows_the_headings_it_stands_under() -> None:
    cut = cut_markdown(SHOP["shop.md"])
    assert [each.heading for each in cut] == ["Refunds", "Refunds > By card", "Prices"]
    assert "our terms." in cut[1].text
    assert "example.com" not in cut[1].text
    assert not any("not for callers" in each.text for each in cut)


def test_underlined_headings_and_code_are_told_apart() -> None:
    text = (
        "Hours\n=====\n\nOpen daily.\n\n```sh\n# no heading\n```\n\n- one\n---\n\n"
        "Rules\n-----\n\nNone."
    )
    assert [(each.heading, each.text.split("\n")[0]) for each in cut_markdown(text)] == [
        ("Hours", "Open daily."),
        ("Hours > Rules", "None."),
    ]
    assert "# no heading" in cut_markdown(text)[0].text


@pytest.mark.parametrize(
    "text",
    [
        "word " * 5000,
        "x" * 5000,
        "वाक्य यहाँ समाप्त होता है। " * 400,
        "One sentence ends. " * 300,
        "| a | b |\n" * 700,
        "para\n\n" * 900,
    ],
)
def test_every_passage_is_short_and_no_word_is_lost(text: str) -> None:
    cut = cut_text(text)
    assert all(0 < len(each.text) <= MOST_CHARACTERS + 1 for each in cut)
    assert "".join("".join(each.text.split()) for each in cut) == "".join(text.split())


@given(st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_text_can_be_cut(text: str) -> None:
    for cut in (cut_markdown(text), cut_text(text), cut_pages([text, text])):
        assert all(each.text.strip() for each in cut)


# What is read of a folder


async def test_a_pdf_is_read_page_by_page_with_its_broken_lines_joined(tmp_path: Path) -> None:
    pages = ("Delivery is free above\n500 rupees in our busi-\nness hours.", "We close at nine.")
    base = await opened(tmp_path, {"terms.pdf": pdf_of(*pages)})
    assert base.warnings == ()
    best = (await found(base, "free delivery business"))[0]
    assert best.heading == "page 1"
    assert best.text == "Delivery is free above 500 rupees in our business hours."


async def test_a_pdf_that_was_read_before_is_not_read_again(tmp_path: Path) -> None:
    folder, cache = (
        folder_of(tmp_path / "in", {"a.pdf": pdf_of("Tea is thirty rupees.")}),
        tmp_path / "kept",
    )
    await open_knowledge(folder, cache=cache)
    (kept,) = cache.iterdir()
    kept.write_text('["Coffee is forty rupees."]', encoding="utf-8")
    again = await open_knowledge(folder, cache=cache)
    assert (await found(again, "coffee"))[0].source == "a.pdf"
    kept.write_text("broken", encoding="utf-8")
    again = await open_knowledge(folder, cache=cache)
    assert (await found(again, "tea"))[0].source == "a.pdf"


BROKEN: dict[str, tuple[str, bytes, str]] = {
    "a cut PDF": ("a.pdf", pdf_of("Tea.")[:200], "the PDF can't be read"),
    "no PDF": ("a.pdf", b"hello", "the PDF can't be read"),
    "an empty PDF": ("a.pdf", b"", "the PDF can't be read"),
    "a locked PDF": ("a.pdf", locked(pdf_of("Tea."), "x"), "protected by a password"),
    "a scanned PDF": ("a.pdf", pdf_of(""), "run it through text recognition"),
    "a PDF of zeros": ("a.pdf", b"%PDF-1.7\n" + bytes(4000), "the PDF can't be read"),
    "Latin-1": ("a.txt", "Café".encode("latin-1"), "save it as UTF-8"),
    "zero bytes": ("a.md", b"a\x00b", "zero bytes"),
    "nothing": ("a.md", b" \n\n", "there is no text in it"),
    "too much text": ("a.txt", b"word " * 500_000, "split it"),
    "too large a file": ("a.txt", bytes(20 * 2**20 + 1), "larger than 20 MiB"),
    "another kind": ("a.docx", b"PK", "only .md, .txt and .pdf are read, not .docx (1)"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_cannot_be_read_is_told_and_the_rest_is_there(name: str, tmp_path: Path) -> None:
    file, content, said = BROKEN[name]
    base = await opened(tmp_path, {file: content, "z.txt": "Tea is thirty rupees."})
    (warning,) = base.warnings
    assert said in warning
    assert file in warning or name == "another kind"
    assert (await found(base, "tea"))[0].source == "z.txt"


async def test_utf_16_and_marks_are_read(tmp_path: Path) -> None:
    files = {"a.txt": "चाय".encode("utf-16"), "b.txt": "कॉफी".encode("utf-8-sig")}
    base = await opened(tmp_path, files)
    assert base.warnings == ()
    assert (await found(base, "चाय"))[0].text == "चाय"
    assert (await found(base, "कॉफी"))[0].text == "कॉफी"


async def test_links_out_of_the_folder_and_in_circles_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("The password is mango.")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "more.txt").write_text("Another mango.")
    folder = folder_of(tmp_path / "in", {"a.txt": "Tea.", ".hidden.txt": "A hidden mango."})
    (folder / "leak.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "linked").symlink_to(tmp_path / "outside")
    (folder / "self.txt").symlink_to(folder / "self.txt")
    (folder / "gone.txt").symlink_to(folder / "nothing.txt")
    (folder / "same.txt").symlink_to(folder / "a.txt")
    base = await open_knowledge(folder)
    assert await found(base, "mango") == []
    told = "\n".join(base.warnings)
    assert "leak.txt: the link leads out of the folder" in told
    assert "linked: linked folders are not read" in told
    assert "self.txt: the link leads nowhere" in told
    assert "gone.txt: the link leads nowhere" in told
    assert {each.source for each in await found(base, "tea")} == {"a.txt", "same.txt"}


async def test_a_pipe_is_no_document_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    base = await opened(tmp_path, {"a.txt": "Tea."})
    assert base.warnings == ("pipe.txt: it is no plain file",)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    folder_of(tmp_path, {"a.txt": "Tea.", "b.txt": "Coffee."})
    (tmp_path / "b.txt").chmod(0)
    base = await open_knowledge(tmp_path)
    assert base.warnings == ("b.txt: Permission denied; let this user read it",)


async def test_an_empty_folder_is_told_and_a_missing_one_refused(tmp_path: Path) -> None:
    base = await open_knowledge(tmp_path)
    assert "there is nothing to search" in base.warnings[0]
    assert await found(base, "tea") == []
    with pytest.raises(StartFailed, match="nowhere can't be read"):
        await open_knowledge(tmp_path / "nowhere")
    with pytest.raises(StartFailed, match=r"a\.txt can't be read"):
        await open_knowledge(folder_of(tmp_path, {"a.txt": "x"}) / "a.txt")


# By meaning


def meaning(text: str) -> list[float]:
    """Two kinds of things: what has to do with money, and the rest."""
    money = any(word in text.lower() for word in ("refund", "pay", "money", "पैसे"))
    return [1.0, 0.0, 0.1] if money else [0.0, 1.0, 0.1]


def embedder_of(peer: LlmPeer, question_s: float = 5.0) -> Embedder:
    peer.embed = meaning
    return Embedder(EmbeddingEndpoint(peer.base_url, "e", question_s=question_s))


FILES = {"a.txt": "We return what you paid: a refund.", "b.txt": "We open at nine."}


async def test_a_passage_without_a_word_of_the_question_is_found_by_meaning(
    tmp_path: Path,
) -> None:
    async with llm_peer() as peer:
        base = await open_knowledge(folder_of(tmp_path, FILES), embedder=embedder_of(peer))
        assert base.knows_meaning
        assert (await found(base, "मेरे पैसे"))[0].source == "a.txt"
        assert (await found(base, "nine"))[0].source == "b.txt"
        await base.close()


async def test_embeddings_are_asked_for_once_for_the_same_text(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", FILES)
    async with llm_peer() as peer:
        for _ in range(2):
            base = await open_knowledge(folder, embedder=embedder_of(peer), cache=tmp_path / "kept")
            assert base.knows_meaning
            await base.close()
    assert len(peer.embedded) == 1


@pytest.mark.parametrize(
    "fault", [HttpError(500), HttpError(429), Page(), Page("{}", "application/json")]
)
async def test_when_embeddings_fail_at_the_start_words_alone_are_searched(
    fault: HttpError | Page, tmp_path: Path
) -> None:
    async with llm_peer() as peer:
        peer.embedding_faults.append(fault)
        base = await open_knowledge(folder_of(tmp_path, FILES), embedder=embedder_of(peer))
        assert not base.knows_meaning
        assert base.warnings[0].startswith("embeddings: ")
        assert (await found(base, "refund"))[0].source == "a.txt"
        await base.close()


async def test_when_embeddings_fail_in_a_call_words_alone_answer(tmp_path: Path) -> None:
    async with llm_peer() as peer:
        embedder = embedder_of(peer, question_s=0.3)
        base = await open_knowledge(folder_of(tmp_path, FILES), embedder=embedder)
        for fault in (Hang(), HttpError(503), Page()):
            peer.embedding_faults.append(fault)
            assert (await found(base, "refund"))[0].source == "a.txt"
        peer.embed = lambda text: [1.0, 0.0]
        assert (await found(base, "nine"))[0].source == "b.txt"
        await base.close()


# The command


def test_the_command_shows_what_a_model_would_find(tmp_path: Path) -> None:
    folder = str(folder_of(tmp_path, SHOP))
    done = CliRunner().invoke(app, ["knowledge", "search", folder, "card refunds", "--limit", "1"])
    assert done.exit_code == 0
    assert "shop.md > Refunds > By card" in done.stdout
    assert "7 days" in done.stdout
    nothing = CliRunner().invoke(app, ["knowledge", "search", folder, "France"])
    assert nothing.exit_code == 1
    missing = CliRunner().invoke(app, ["knowledge", "search", folder + "x", "France"])
    assert missing.exit_code == 2
