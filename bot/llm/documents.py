"""The documents of a folder, cut into passages. Whatever can't be read is told, and left out."""

import hashlib
import json
import os
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from bot.llm import pdf_text
from bot.llm.passages import Cutting, cut_markdown, cut_pages, cut_text
from bot.llm.pdf_text import MOST_CHARACTERS

MARKDOWN = frozenset({".md", ".markdown"})
TEXT = frozenset({".txt", ".text"})
PDF = ".pdf"

MOST_FILES = 5000
MOST_FILE_BYTES = 20 * 2**20
_PDF_S = 60.0
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


@dataclass(frozen=True, slots=True)
class Document:
    """One file that could be read."""

    source: str  # its path inside of the folder, with /
    cuttings: tuple[Cutting, ...]


@dataclass(slots=True)
class Reading:
    """What a folder held."""

    documents: list[Document] = field(default_factory=list[Document])
    warnings: list[str] = field(default_factory=list[str])  # "path: what is wrong, what to do"


class _Unreadable(Exception):
    """The message says what is wrong, and what to do."""


def read_folder(folder: Path, cache: Path | None) -> Reading:
    """Read every document of a folder, in the order of their names. Takes seconds with PDFs.

    `cache`: a folder that keeps the text of PDFs by their content; None: each is read anew.
    Raises OSError where the folder itself can't be read.
    """
    reading = Reading()
    others: Counter[str] = Counter()
    root = folder.resolve(strict=True)
    os.scandir(root).close()
    for path in _files(root, reading):
        source = path.relative_to(root).as_posix()
        kind = path.suffix.lower()
        if kind not in MARKDOWN | TEXT | {PDF}:
            others[kind or path.name] += 1
            continue
        if len(reading.documents) == MOST_FILES:
            reading.warnings.append(f"there are more than {MOST_FILES} files; the rest is left out")
            break
        try:
            cuttings = _cuttings(_inside(path, root), kind, cache)
        except _Unreadable as error:
            reading.warnings.append(f"{source}: {error}")
            continue
        if not cuttings:
            reason = "there is no text in it"
            fix = "; if it was scanned, run it through text recognition" if kind == PDF else ""
            reading.warnings.append(f"{source}: {reason}{fix}")
            continue
        reading.documents.append(Document(source, cuttings))
    if others:
        names = ", ".join(f"{name} ({count})" for name, count in sorted(others.items())[:10])
        reading.warnings.append(f"only .md, .txt and .pdf are read, not {names}")
    return reading


def _files(root: Path, reading: Reading) -> Iterator[Path]:
    """Every visible file below, by name. Linked folders are not entered: they may go in circles."""

    def unreadable(error: OSError) -> None:
        name = os.path.relpath(error.filename, root)
        reading.warnings.append(f"{name}: {error.strerror}; let this user read it")

    for here, folders, files in os.walk(root, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if (Path(here) / name).is_symlink():
                linked = os.path.relpath(Path(here) / name, root)
                reading.warnings.append(f"{linked}: linked folders are not read; copy it here")
        yield from (Path(here) / name for name in sorted(files) if not name.startswith("."))


def _inside(path: Path, root: Path) -> Path:
    """The file itself, where it lies in the folder: a link must not lead a caller out of it."""
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: a link to itself
        raise _Unreadable("the link leads nowhere") from error
    if not real.is_relative_to(root):
        raise _Unreadable("the link leads out of the folder; copy the file here")
    return real


def _cuttings(path: Path, kind: str, cache: Path | None) -> tuple[Cutting, ...]:
    content = _content(path)
    if kind == PDF:
        return cut_pages(_bounded_pages(_pages(path, content, cache)))
    text = _decoded(content)
    if len(text) > MOST_CHARACTERS:
        raise _Unreadable(f"it has more than {MOST_CHARACTERS:,} characters; split it")
    return cut_markdown(text) if kind in MARKDOWN else cut_text(text)


def _content(path: Path) -> bytes:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise _Unreadable("it is no plain file")
        if about.st_size > MOST_FILE_BYTES:
            raise _Unreadable(f"it is larger than {MOST_FILE_BYTES // 2**20} MiB; split it")
        with path.open("rb") as file:
            return file.read(MOST_FILE_BYTES)
    except OSError as error:
        raise _Unreadable(f"{error.strerror or error}; let this user read it") from error


def _decoded(content: bytes) -> str:
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeError as error:
        raise _Unreadable("it is not UTF-8 text; save it as UTF-8") from error
    if "\x00" in text:
        raise _Unreadable("it is no text, for it has zero bytes")
    return text


def _pages(path: Path, content: bytes, cache: Path | None) -> list[str]:
    """A PDF's pages, from the cache where it was read before."""
    kept = cache / f"{hashlib.sha256(content).hexdigest()}.json" if cache else None
    if kept is not None and (pages := _kept(kept)) is not None:
        return pages
    command = (sys.executable, "-I", pdf_text.__file__, str(path))
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PDF_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise _Unreadable(f"it can't be read within {_PDF_S:g} s; save it anew") from error
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        reason = last[0][:200] if last else f"exit status {done.returncode}"
        raise _Unreadable(f"the PDF can't be read ({reason}); save it anew")
    pages = cast("list[str]", json.loads(done.stdout))
    if kept is not None:
        _keep(kept, pages)
    return pages


def _bounded_pages(pages: list[str]) -> list[str]:
    if sum(map(len, pages)) > MOST_CHARACTERS:
        raise _Unreadable(f"it has more than {MOST_CHARACTERS:,} characters; split it")
    return pages


def _kept(path: Path) -> list[str] | None:
    try:
        pages: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(pages, list):
        return None
    texts = cast("list[object]", pages)
    return [page for page in texts if isinstance(page, str)]


def _keep(path: Path, pages: list[str]) -> None:
    """Other processes may do the same now: each writes its own file, and the last one stays."""
    own = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(json.dumps(pages), encoding="utf-8")
        own.replace(path)
    except OSError:
        own.unlink(missing_ok=True)  # a cache that can't be written costs seconds at the next start
