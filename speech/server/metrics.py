"""What Prometheus is told. One registry an app, so that two in one process don't mix."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from speech.server.host import EngineHost

_SECONDS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)


class Metrics:
    """The server's counters. Labels come from fixed sets, never from what a client wrote."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "speech_requests_total",
            "Requests by route and status; 499 is a client that left",
            ("route", "status"),
            registry=registry,
        )
        self.first_chunk_s = Histogram(
            "speech_first_chunk_seconds",
            "From the request to its first audio",
            ("model",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.transcript_s = Histogram(
            "speech_transcript_seconds",
            "From the end of an utterance, or the upload of a file, to its final transcript",
            ("model", "by"),
            buckets=_SECONDS,
            registry=registry,
        )
        self.heard_s = Counter(
            "speech_heard_seconds_total", "Audio transcribed", ("model",), registry=registry
        )
        self.spoken_s = Counter(
            "speech_spoken_seconds_total", "Audio sent", ("model",), registry=registry
        )
        self.left = Counter(
            "speech_clients_left_total", "Clients that left before the end", registry=registry
        )
        self.sockets = Gauge("speech_sockets", "Open websockets", registry=registry)
        self._in_flight = Gauge(
            "speech_streams",
            "Utterances and texts being worked on",
            ("model", "kind", "draining"),
            registry=registry,
        )

    def exposition(self, host: EngineHost) -> bytes:
        """Prometheus' text format."""
        self._in_flight.clear()
        for state in host.states:
            labels = (state.model, state.kind, "yes" if state.is_draining else "no")
            self._in_flight.labels(*labels).inc(state.in_flight)
        return generate_latest(self._registry)
