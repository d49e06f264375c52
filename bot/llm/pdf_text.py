"""A program of its own: it reads a PDF and writes its pages' texts as a JSON list.

A file from outside can make its reader loop or eat all memory; so it is read in a process that
can be stopped, and that has no more memory than this. It imports nothing of Callwright. What goes
wrong is the last line of stderr.
"""

import json
import logging
import resource
import sys

MEMORY_BYTES = 2**30
MOST_PAGES = 2000
MOST_CHARACTERS = 2_000_000
"""Of one document: four long books. More is a log or a data dump, and would drown the rest; who
called this sees that there are more, and leaves the document out."""


def read(path: str) -> list[str]:
    """The texts of the pages. Raises pypdf's errors, and whatever a broken file provokes."""
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = pypdf.PdfReader(path)
    if reader.is_encrypted and not reader.decrypt(""):
        raise ValueError("it is protected by a password")
    pages: list[str] = []
    characters = 0
    for page in reader.pages:
        pages.append(page.extract_text())
        characters += len(pages[-1])
        if len(pages) == MOST_PAGES or characters > MOST_CHARACTERS:
            break
    return pages


def main() -> None:
    """Read the file that is named, and write its pages to stdout."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    json.dump([page.encode("utf-8", "replace").decode() for page in read(sys.argv[1])], sys.stdout)


if __name__ == "__main__":
    main()
