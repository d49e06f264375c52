"""The language model and the knowledge that the settings name, opened for a process."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from loguru import logger

from bot.errors import StartFailed
from bot.llm.knowledge import KnowledgeBase, open_knowledge
from bot.llm_settings import EmbeddingSettings, LlmSettings
from bot.settings import Settings

if TYPE_CHECKING:  # what needs no model loads neither OpenAI's client nor Pipecat's service
    from bot.llm.embeddings import Embedder
    from bot.llm.model import LanguageModel
    from bot.llm.understanding import Understanding


def open_model(settings: LlmSettings, stack: AsyncExitStack) -> "LanguageModel | None":
    """The chain of endpoints; None where none is named. Nothing is asked of them yet."""
    if not settings.endpoints:
        return None
    from bot.llm.endpoint import Endpoint, Patience
    from bot.llm.model import LanguageModel

    patience = Patience(first_token_s=settings.first_token_s, idle_s=settings.idle_s)
    endpoints = [
        Endpoint(
            name,
            base_url=each.base_url,
            model=each.model,
            api_key=each.api_key.get_secret_value() if each.api_key else None,
            temperature=settings.temperature,
            patience=patience,
            token_limit=each.token_limit,
            extra=each.extra,
        )
        for name, each in settings.in_order.items()
    ]
    model = LanguageModel(endpoints)
    stack.push_async_callback(model.close)
    return model


def open_understanding(
    settings: LlmSettings, model: "LanguageModel | None"
) -> "Understanding | None":
    """What helps menus to understand; None where it isn't wanted."""
    if model is None or not settings.understands:
        return None
    from bot.llm.understanding import Understanding

    return Understanding(model, deadline_s=settings.understand_s)


async def open_knowledge_bases(
    settings: Settings, stack: AsyncExitStack
) -> Mapping[str, KnowledgeBase]:
    """The knowledge bases by name; what of them can't be read is logged.

    Raises:
        StartFailed: a folder isn't there or can't be read.
    """
    opened: dict[str, KnowledgeBase] = {}
    for name, folder in settings.llm.knowledge.items():
        embedder = _embedder(settings.llm.embeddings)
        cache = settings.data_dir / "knowledge"
        try:
            opened[name] = await open_knowledge(folder, embedder=embedder, cache=cache)
        except StartFailed as error:
            if embedder is not None:
                await embedder.close()
            setting = f"CALLWRIGHT_LLM__KNOWLEDGE__{name.upper()}"
            raise StartFailed(f"{setting}: {error}; name a folder that is there") from error
        stack.push_async_callback(opened[name].close)
        for warning in opened[name].warnings:
            logger.warning("knowledge {}: {}", name, warning)
        logger.info("knowledge {}: {} passages", name, opened[name].size)
    return opened


def _embedder(settings: EmbeddingSettings) -> "Embedder | None":
    if settings.base_url is None or settings.model is None:
        return None
    from bot.llm.embeddings import Embedder, EmbeddingEndpoint

    return Embedder(
        EmbeddingEndpoint(
            base_url=settings.base_url,
            model=settings.model,
            api_key=settings.api_key.get_secret_value() if settings.api_key else None,
            question_s=settings.question_s,
            question_prefix=_spaced(settings.question_prefix),
            passage_prefix=_spaced(settings.passage_prefix),
        )
    )


def _spaced(prefix: str) -> str:
    """The blank behind a prefix is lost on its way through the environment."""
    return f"{prefix} " if prefix else ""
