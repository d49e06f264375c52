"""Our own addresses, as carriers reach them."""

from dataclasses import dataclass
from urllib.parse import quote

from bot.settings import Settings
from telephony.exotel_webhooks import full_stream_url


@dataclass(frozen=True, slots=True)
class Urls:
    """Built on the server's public address, e.g. https://voice.example.com."""

    base: str

    def webhook(self, carrier: str, what: str, call_id: str | None = None) -> str:
        """A webhook of a carrier, about one call of ours where it is known."""
        url = f"{self.base}/telephony/{carrier}/{what}"
        return f"{url}?call_id={quote(call_id)}" if call_id else url

    def stream(self, carrier: str) -> str:
        """A carrier's media socket: wss, or ws where the server is reached without TLS."""
        return f"ws{self.base.removeprefix('http')}/telephony/{carrier}/stream"

    def exotel_stream(self, call_id: str, settings: Settings) -> str:
        """Exotel's media socket for one call, with the user and password that we ask of it."""
        exotel, url = settings.exotel, self.stream("exotel")
        if exotel.stream_user and exotel.stream_password:
            password = exotel.stream_password.get_secret_value()
            scheme, _, rest = url.partition("://")
            url = f"{scheme}://{quote(exotel.stream_user)}:{quote(password, safe='')}@{rest}"
        return full_stream_url(
            url, {"call_id": call_id}, sample_rate_hz=exotel.stream_sample_rate_hz
        )
