"""A server with the protocol of CosyVoice's runtime/python/fastapi/server.py, which keeps requests.

The same paths, fields and answers (int16 PCM without a header, chunk by chunk), and FastAPI's own
/openapi.json and 422 for what is missing. What it says is set by the test.
"""

import asyncio
import io
import wave
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import FastAPI, File, Form, HTTPException, UploadFile
from starlette.responses import StreamingResponse

from telephony.simulator.exchange import serve_app

Text = Annotated[str, Form()]
Wav = Annotated[UploadFile, File()]


@dataclass(slots=True)
class CosyVoicePeer:
    """Answers every request with `chunks`, then does what `then` says."""

    base_url: str = ""
    chunks: tuple[bytes, ...] = ()
    then: str = "ends"  # or "hangs", "is cut"
    status: int = 200
    asked: list[tuple[str, dict[str, str]]] = field(
        default_factory=list[tuple[str, dict[str, str]]]
    )
    heard_s: list[float] = field(default_factory=list[float])  # the recordings that came
    left: asyncio.Event = field(default_factory=asyncio.Event)  # a client left before the end
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def zero_shot(
        self, tts_text: Text, prompt_text: Text, prompt_wav: Wav
    ) -> StreamingResponse:
        fields = {"tts_text": tts_text, "prompt_text": prompt_text}
        return await self._answer("zero_shot", fields, prompt_wav)

    async def cross_lingual(self, tts_text: Text, prompt_wav: Wav) -> StreamingResponse:
        return await self._answer("cross_lingual", {"tts_text": tts_text}, prompt_wav)

    async def instruct2(
        self, tts_text: Text, instruct_text: Text, prompt_wav: Wav
    ) -> StreamingResponse:
        fields = {"tts_text": tts_text, "instruct_text": instruct_text}
        return await self._answer("instruct2", fields, prompt_wav)

    async def _answer(
        self, path: str, fields: dict[str, str], prompt: UploadFile
    ) -> StreamingResponse:
        self.asked.append((path, fields))
        with wave.open(io.BytesIO(await prompt.read())) as audio:
            self.heard_s.append(audio.getnframes() / audio.getframerate())
        if self.status != 200:
            raise HTTPException(self.status, "out of memory")
        return StreamingResponse(self._chunks())

    async def _chunks(self) -> AsyncGenerator[bytes]:
        ended = False
        try:
            for chunk in self.chunks:
                yield chunk
            if self.then == "hangs":
                await self.over.wait()
            if self.then == "is cut":
                raise ConnectionAbortedError("as the test wants it")
            ended = True
        finally:
            if not ended and not self.over.is_set():
                self.left.set()


@asynccontextmanager
async def cosyvoice_peer() -> AsyncGenerator[CosyVoicePeer]:
    """Serves on a free port of this machine."""
    peer = CosyVoicePeer()
    app = FastAPI()
    for path, answer in (
        ("zero_shot", peer.zero_shot),
        ("cross_lingual", peer.cross_lingual),
        ("instruct2", peer.instruct2),
    ):
        app.add_api_route(f"/inference_{path}", answer, methods=["POST"])
    async with serve_app(app) as peer.base_url:
        try:
            yield peer
        finally:
            peer.over.set()
