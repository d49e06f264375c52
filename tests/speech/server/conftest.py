"""One server with the embedded engines for all tests of a process."""

import socket
import threading
from collections.abc import Iterator

import pytest
import uvloop

from speech.custom_voices import CustomVoices
from speech.pool import EnginePool
from speech.server.app import create_app
from speech.server.host import EngineHost, anything_fits
from speech.server.serve import DrainingServer
from speech.server.settings import ServerSettings, read_engines
from speech.voice_presets import load_presets


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[str]:
    """The URL of a server with Moonshine and espeak, in a thread with a loop of its own."""
    is_up = threading.Event()
    servers: list[DrainingServer] = []

    async def serve(listener: socket.socket) -> None:
        async with EnginePool(2) as pool:
            host = EngineHost(pool, fits=anything_fits)
            await host.load(read_engines(["moonshine,espeak"]))
            settings = ServerSettings()
            app = create_app(host, settings, presets=load_presets(), customs=CustomVoices())
            servers.append(DrainingServer(app, host, settings))
            is_up.set()
            await servers[0].run_on(listener)
            await host.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: uvloop.run(serve(listener)), daemon=True)
        thread.start()
        assert is_up.wait(60), "the server did not come up"
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        servers[0].should_exit = True
        thread.join(20)
