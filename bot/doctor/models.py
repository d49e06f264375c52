"""The doctor's look at language models and at what they know: each endpoint is asked for its
models, and each folder is read. No question is put: that would cost."""

from collections.abc import Iterator
from typing import cast

import httpx
from pydantic import SecretStr

from bot.doctor.machine import NETWORK_S, Check, State
from bot.errors import StartFailed
from bot.llm.knowledge import open_knowledge
from bot.settings import Settings

_MOST_SHOWN = 5


async def examine_models(settings: Settings) -> tuple[Check, ...]:
    """A check for each endpoint and each folder that the settings name; none where none is."""
    checks = [
        await _endpoint(f"llm {name}", each.base_url, each.model, each.api_key)
        for name, each in settings.llm.in_order.items()
    ]
    embeddings = settings.llm.embeddings
    if embeddings.base_url and embeddings.model:
        checks.append(
            await _endpoint(
                "llm embeddings", embeddings.base_url, embeddings.model, embeddings.api_key
            )
        )
    for name in settings.llm.knowledge:
        checks += await _knowledge(name, settings)
    return tuple(checks)


async def _endpoint(name: str, base_url: str, model: str, key: SecretStr | None) -> Check:
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    try:
        async with httpx.AsyncClient(timeout=NETWORK_S) as http:
            answer = await http.get(f"{base_url}/models", headers=headers)
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        return Check(name, State.BROKEN, f"{base_url}: {reason}", "start it, or check the address")
    if answer.status_code in (401, 403):
        return Check(name, State.BROKEN, f"{base_url} refuses the key", "check its api_key")
    if not answer.is_success:
        what = f"{base_url}/models: HTTP {answer.status_code}"
        return Check(name, State.BROKEN, what, "the address ends in /v1 with most servers")
    known = tuple(_names(answer))
    if known and model not in known:
        shown = ", ".join(known[:_MOST_SHOWN])
        what = f"{base_url} does not list {model}; it has {shown}"
        return Check(name, State.BROKEN, what, "name one of its models")
    return Check(name, State.OK, f"{model} at {base_url}")


def _names(answer: httpx.Response) -> Iterator[str]:
    try:
        body: object = answer.json()
    except ValueError:
        return
    listed: object = cast("dict[str, object]", body).get("data") if isinstance(body, dict) else None
    for each in cast("list[object]", listed) if isinstance(listed, list) else ():
        name = cast("dict[str, object]", each).get("id") if isinstance(each, dict) else None
        if isinstance(name, str):
            yield name


async def _knowledge(name: str, settings: Settings) -> list[Check]:
    title = f"knowledge {name}"
    try:
        base = await open_knowledge(settings.llm.knowledge[name])
    except StartFailed as error:
        return [Check(title, State.BROKEN, str(error), "name a folder that is there")]
    found = f"{base.size} passages of {len(base.sources)} documents"
    await base.close()
    checks = [Check(title, State.OK, found)] if base.size else []
    for warning in base.warnings:
        state = State.OPTIONAL if base.size else State.BROKEN
        checks.append(Check(title, state, warning))
    return checks
