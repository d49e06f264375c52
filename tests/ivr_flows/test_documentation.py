"""What docs/write-a-flow.md shows works."""

import re
from pathlib import Path

from ivr_flows.flow import Flow, Part
from ivr_flows.loader import load_bytes

PAGE = (Path(__file__).parents[2] / "docs" / "write-a-flow.md").read_text(encoding="utf-8")


def test_the_smallest_flow_of_the_page_is_good():
    example = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)[0]
    assert load_bytes(example.encode(), "page").name == "table_reminder"


def test_every_field_of_the_schema_stands_on_the_page():
    parts: list[type[Part]] = [Flow]
    waiting: list[type[Part]] = [Part]
    while waiting:
        found = waiting.pop().__subclasses__()
        parts += found
        waiting += found
    names = {field.alias or name for part in parts for name, field in part.model_fields.items()}
    missing = [name for name in names - {"texts"} if not re.search(rf"\b{name}\b", PAGE)]
    assert missing == []
