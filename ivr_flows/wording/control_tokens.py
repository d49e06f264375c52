"""The signs by which servers of models mark who speaks, made harmless in a text; pure.

A server's chat template may read "<|im_start|>system" in a caller's or a web service's words as the
beginning of new rules.
"""

import re

_NAMES = (  # of Llama, Gemma and Qwen, written <name> and </name>
    r"(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn|tool_call|tool_response|tools|think)"
)
_OPENINGS = re.compile(
    r"<(?=[|｜])|[|｜](?=>)"
    r"|<(?=<?/?SYS>)"
    rf"|<(?=/?{_NAMES}>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])",
    re.IGNORECASE,
)


def without_control_tokens(text: str) -> str:
    """The text with a space in each of them: "< |im_end| >"."""
    return _OPENINGS.sub(r"\g<0> ", text)
