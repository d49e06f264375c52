"""A call from a browser, in headless Chromium, by Pipecat's own runner and on its prebuilt page.

The browser's microphone is a file in which a voice says "yes, please" every few seconds. The
page's own Connect button fetches a library from the internet (c.daily.co) before it calls; here
the page calls by the browser's WebRTC alone, with the same offer to the same address.
"""

import asyncio
import json
import os
import shutil
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from itertools import count
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from websockets.asyncio.client import ClientConnection, connect

from speech.registry import make_synthesizer
from speech.tts import SpeechRequest
from telephony.call import Call
from telephony.database import Database
from telephony.store import CallStore
from telephony.workers import this_worker

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium"),
    pytest.mark.timeout(480),
]

FLOW = """
name: browser
title: A question for a browser
languages: [en]
start: question
give_up: sorry
variables:
  decision: {outcome: true}
nodes:
  question:
    type: menu
    prompt: {en: "Do you want tea? Say yes or no."}
    choices:
      "yes": {keys: ["1"], builtin: "yes", then: tea}
      "no": {keys: ["2"], builtin: "no", then: sorry}
    tries: 8
    no_input: {then: sorry}
    no_match: {then: sorry}
  tea: {type: set, values: {decision: tea}, then: bye}
  bye: {type: hangup, disposition: confirmed, prompt: {en: "Good."}}
  sorry: {type: hangup, disposition: failed, prompt: {en: "Sorry."}}
"""


CONNECT = """
(async () => {
  const microphone = await navigator.mediaDevices.getUserMedia({audio: true});
  const line = window.line = new RTCPeerConnection();
  microphone.getTracks().forEach(track => line.addTrack(track, microphone));
  line.createDataChannel("chat");
  line.ontrack = ({streams}) => {
    window.voice = new Audio();
    voice.srcObject = streams[0];
    voice.play();
  };
  await line.setLocalDescription(await line.createOffer());
  while (line.iceGatheringState !== "complete") await new Promise(done => setTimeout(done, 50));
  const answer = await fetch("/api/offer", {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify(line.localDescription),
  });
  await line.setRemoteDescription(await answer.json());
})()
"""


async def microphone(path: Path) -> Path:
    """4 s with one "yes, please" in it; Chromium plays it again and again."""
    voice = make_synthesizer("espeak")
    await voice.start()
    async with aclosing(voice.synthesize(SpeechRequest("yes, please", "en", "en-gb+m7"))) as made:
        said = np.concatenate([chunk async for chunk in made])
    await voice.close()
    rate_hz = voice.sample_rate_hz
    clip = np.zeros(4 * rate_hz, np.int16)
    clip[2 * rate_hz : 2 * rate_hz + len(said)] = said
    soundfile.write(path, clip, rate_hz)
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def running(command: list[str], log: Path, env: dict[str, str]) -> AsyncGenerator[None]:
    with open(log, "wb") as out:  # noqa: ASYNC230 - a local file, once
        process = await asyncio.create_subprocess_exec(*command, stdout=out, stderr=out, env=env)
    try:
        yield
    finally:
        process.kill()
        await process.wait()


class Page:
    """One page of a browser, over the DevTools protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = count(1)

    async def evaluate(self, expression: str) -> object:
        """The value of a JavaScript expression in the page."""
        asked = next(self._ids)
        params = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        await self._socket.send(
            json.dumps({"id": asked, "method": "Runtime.evaluate", "params": params})
        )
        async for message in self._socket:
            answer = json.loads(message)
            if answer.get("id") == asked:
                return answer["result"]["result"].get("value")
        raise AssertionError("the browser is gone")

    async def until(self, expression: str, timeout_s: float = 30.0) -> None:
        """Wait until the expression is true in the page."""
        async with asyncio.timeout(timeout_s):
            while not await self.evaluate(expression):
                await asyncio.sleep(0.1)


@asynccontextmanager
async def chromium(url: str, clip: Path, folder: Path) -> AsyncGenerator[Page]:
    port = free_port()
    command = [
        str(CHROMIUM),
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--disable-quic", "--allow-loopback-in-peer-connection"),
        *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
        f"--use-file-for-fake-audio-capture={clip}",
        f"--user-data-dir={folder / 'profile'}",
        f"--remote-debugging-port={port}",
        url,
    ]
    async with (
        running(command, folder / "chromium.log", dict(os.environ)),
        httpx.AsyncClient(trust_env=False) as http,
    ):
        async with asyncio.timeout(60.0):
            while True:
                try:
                    pages = (await http.get(f"http://127.0.0.1:{port}/json")).json()
                except httpx.TransportError:
                    pages = []
                address = [p["webSocketDebuggerUrl"] for p in pages if p["type"] == "page"]
                if address:
                    break
                await asyncio.sleep(0.1)
        async with connect(address[0], max_size=None, proxy=None) as devtools:
            yield Page(devtools)


async def until_serving(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(60.0):
        while True:
            try:
                if (await http.get(url)).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


async def ended_call(database_path: Path) -> Call:
    database = Database(f"sqlite+aiosqlite:///{database_path}")
    store = CallStore(database, this_worker())
    try:
        async with asyncio.timeout(60.0):
            while True:
                page = await store.list()
                if page.calls and page.calls[0].is_settled:
                    return page.calls[0]
                await asyncio.sleep(0.2)
    finally:
        await database.close()


async def test_a_browser_calls_the_bot_and_says_yes(tmp_path: Path) -> None:
    clip = await microphone(tmp_path / "microphone.wav")
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "browser.yaml").write_text(FLOW, encoding="utf-8")
    port = free_port()
    env = {
        **{name: value for name, value in os.environ.items() if "CALLWRIGHT_" not in name},
        "CALLWRIGHT_DATA_DIR": str(tmp_path / "data"),
        "CALLWRIGHT_FLOWS_DIR": str(tmp_path / "flows"),
        "CALLWRIGHT_DEFAULT_FLOW": "browser",
    }
    command = [sys.executable, "-m", "bot", "-t", "webrtc", "--port", str(port)]
    async with running(command, tmp_path / "bot.log", env):
        page_url = f"http://localhost:{port}/client/"
        await until_serving(page_url)
        async with chromium(page_url, clip, tmp_path) as page:
            buttons = "[...document.querySelectorAll('button')]"
            await page.until(f"{buttons}.some(button => button.innerText === 'Connect')")
            await page.evaluate(CONNECT)
            call = await ended_call(tmp_path / "data" / "callwright.db")
    assert call.carrier == "webrtc"
    assert (call.disposition, call.outcome) == ("confirmed", {"decision": "tea"})
    assert (tmp_path / "data" / "recordings" / f"{call.id}.flac").is_file()
