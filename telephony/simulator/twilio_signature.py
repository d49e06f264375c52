"""X-Twilio-Signature from the sender's side, by the published rule and with no SDK."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit


def sign(auth_token: str, url: str, parameters: Mapping[str, str] | None = None) -> str:
    """base64 of HMAC-SHA1 over the URL and the form's names and values, sorted by name.

    Userinfo is left out of the URL, and for https so is the port.
    """
    text = signed_url(url) + "".join(
        name + value for name, value in sorted((parameters or {}).items())
    )
    digest = hmac.new(auth_token.encode(), text.encode("utf-8"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode("ascii")


def signed_url(url: str) -> str:
    """The URL as it goes into the signature."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme == "https":
        host = host.partition(":")[0]
    return parts._replace(netloc=host).geturl()
