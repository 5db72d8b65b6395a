"""Whether a webhook call is genuine. Compared in constant time, over the bytes as they came."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable


def is_metas(body: bytes, given: str, secret: str) -> bool:
    """`X-Hub-Signature-256`: HMAC-SHA256 of the raw body under the app's secret."""
    right = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(given.encode(), right.encode())


def is_twilios(url: str, fields: Iterable[tuple[str, str]], given: str, token: str) -> bool:
    """`X-Twilio-Signature`: HMAC-SHA1 of the address as Twilio called it and the form's fields, sorted, under the account's token."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    right = base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest())
    return hmac.compare_digest(given.encode(), right)
