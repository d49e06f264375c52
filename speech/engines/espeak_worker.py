"""The process in which espeak-ng lives: requests come over stdin, audio leaves over stdout.

espeak-ng has global state and is GPL-3, so it is loaded here and nowhere else. The engine
(`espeak_process.py`) runs this file as a script, `python -I -S espeak_worker.py LIBRARY DATA`;
it imports nothing but the standard library and ends when its stdin closes.

A frame, either way, is a header (`HEADER`: payload bytes, kind, request) and its payload:

    kind     payload
    SPEAK    words a minute as one uint16, espeak's voice in UTF-8, a zero byte, text in UTF-8
    CANCEL   none: end the request, under way or queued; it is answered with END all the same
    READY    sample rate in Hz as one uint32, version in ASCII; sent once, when it is loaded
    AUDIO    int16 mono PCM, at most 60 ms
    END      none: the last of a request
    ERROR    what went wrong, in UTF-8: the last of a request

Requests are spoken one after the other, in the order they came.
"""

import ctypes
import os
import queue
import signal
import struct
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

HEADER = struct.Struct("<IBI")
RATE = struct.Struct("<H")
SAMPLE_RATE = struct.Struct("<I")

SPEAK, CANCEL, READY, AUDIO, END, ERROR = range(6)

MAX_PAYLOAD_BYTES = 1 << 20
"""A longer one is a broken stream, not a request."""

# espeak-ng/speak_lib.h
_AUDIO_OUTPUT_SYNCHRONOUS = 2  # the callback is called inside espeak_Synth, nothing is played
_DONT_EXIT = 0x8000  # report an error instead of ending the process
_POS_CHARACTER = 1
_CHARS_UTF8 = 1  # and neither SSML nor phonemes: markup is text like any other
_PARAMETER_RATE = 1
_OK = 0


class Request(NamedTuple):
    """One text to be spoken."""

    number: int
    words_per_minute: int
    voice: bytes  # espeak's own name: a file below lang/, and a variant
    text: bytes  # UTF-8 without zero bytes


def pack(kind: int, request: int, payload: bytes = b"") -> bytes:
    """One frame."""
    return HEADER.pack(len(payload), kind, request) + payload


def pack_speak(request: Request) -> bytes:
    """The frame that asks for `request`."""
    body = RATE.pack(request.words_per_minute) + request.voice + b"\0" + request.text
    return pack(SPEAK, request.number, body)


def unpack_speak(number: int, payload: bytes) -> Request:
    """What `pack_speak` packed."""
    (words_per_minute,) = RATE.unpack_from(payload)
    voice, _, text = payload[RATE.size :].partition(b"\0")
    return Request(number, words_per_minute, voice, text)


class Speaker:
    """The library: one voice, one rate and one text at a time."""

    def __init__(self, library: str, data: str, emit: Callable[[bytes], bool]) -> None:
        """Load it; `emit` takes PCM while a text is spoken, and answers whether to go on.

        Raises:
            OSError: the library can't be loaded, or doesn't like its data.
        """
        self._espeak = ctypes.CDLL(library)
        self._espeak.espeak_Info.restype = ctypes.c_char_p
        # The folder that holds espeak-ng-data, not that folder itself.
        folder = os.fsencode(os.path.dirname(data))
        self.sample_rate_hz = int(
            self._espeak.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, folder, _DONT_EXIT)
        )
        if self.sample_rate_hz <= 0:
            raise OSError(f"espeak-ng refused its data in {data}")
        self.version: bytes = self._espeak.espeak_Info(None) or b"unknown"

        def on_audio(samples: int | None, count: int, events: int | None) -> int:
            if not samples or count <= 0:
                return 0
            return 0 if emit(ctypes.string_at(samples, 2 * count)) else 1

        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
        self._callback = kind(on_audio)  # kept: the library holds only its address
        self._espeak.espeak_SetSynthCallback(self._callback)

    def speak(self, request: Request) -> str | None:
        """Speak it to the end or until `emit` says no; what went wrong, or None."""
        if self._espeak.espeak_SetVoiceByName(request.voice) != _OK:
            return f"espeak-ng has no voice {request.voice.decode()!r}"
        self._espeak.espeak_SetParameter(_PARAMETER_RATE, request.words_per_minute, 0)
        size = ctypes.c_size_t(len(request.text) + 1)
        position = ctypes.c_uint(0)
        status = self._espeak.espeak_Synth(
            request.text, size, position, _POS_CHARACTER, position, _CHARS_UTF8, None, None
        )
        return None if status == _OK else f"espeak-ng failed with status {status}"


class Worker:
    """Reads requests in one thread, so that a cancel is seen while another thread speaks."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._requests = requests
        self._answers = answers
        self._waiting: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open: set[int] = set()  # asked for, not yet ended
        self._cancelled: set[int] = set()
        self._now = 0

    def run(self, library: str, data: str) -> None:
        """Serve until stdin closes."""
        try:
            speaker = Speaker(library, data, self._emit)
        except OSError as error:
            self._send(ERROR, 0, str(error).encode())
            return
        self._send(READY, 0, SAMPLE_RATE.pack(speaker.sample_rate_hz) + speaker.version)
        threading.Thread(target=self._read, daemon=True).start()
        while True:
            request = self._waiting.get()
            self._now = request.number
            trouble = None if self._is_cancelled() else speaker.speak(request)
            with self._lock:
                self._open.discard(request.number)
                self._cancelled.discard(request.number)
            if trouble is None:
                self._send(END, request.number)
            else:
                self._send(ERROR, request.number, trouble.encode())

    def _emit(self, pcm: bytes) -> bool:
        if self._is_cancelled():
            return False
        self._send(AUDIO, self._now, pcm)
        return True

    def _is_cancelled(self) -> bool:
        with self._lock:
            return self._now in self._cancelled

    def _send(self, kind: int, request: int, payload: bytes = b"") -> None:
        try:
            self._answers.write(pack(kind, request, payload))
            self._answers.flush()
        except OSError:  # nobody reads any more
            os._exit(0)

    def _read(self) -> None:
        while len(header := self._requests.read(HEADER.size)) == HEADER.size:
            length, kind, number = HEADER.unpack(header)
            if length > MAX_PAYLOAD_BYTES:
                os._exit(2)
            payload = self._requests.read(length)
            if len(payload) < length:
                break
            with self._lock:
                if kind == SPEAK:
                    self._open.add(number)
                    self._waiting.put(unpack_speak(number, payload))
                elif kind == CANCEL and number in self._open:
                    self._cancelled.add(number)
        os._exit(0)  # the parent has gone, or wants us gone: in the middle of a word if need be


def main() -> None:
    """Serve on stdin and stdout."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes stdin
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the library prints must not get among the frames
    Worker(sys.stdin.buffer, answers).run(sys.argv[1], sys.argv[2])


if __name__ == "__main__":
    main()
