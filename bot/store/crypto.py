"""Encryption at rest: AES-256-GCM for what is read again, keyed hashes for what is only looked up.

A sealed value is `version (1 byte) | key id (4 bytes) | nonce (12 bytes) | ciphertext and tag`; its context (table and
conversation) is authenticated, so that a value moved to another row does not open. The key id in each value lets keys rotate.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = b"\x01"
KEY_ID = 4
NONCE = 12
"""Bytes of a GCM nonce, random for each value (NIST SP 800-38D, section 8.2.2)."""


class KeysError(RuntimeError):
    """The keys are missing, unreadable or open to others; the message never holds a key."""


class SealError(ValueError):
    """A stored value does not open: another key, another row, or damage."""


class Keys:
    """The service's keys.

    Attributes:
        active: id of the key that seals new values.
    """

    def __init__(self, active: str, sealing: Mapping[str, bytes], hashing: bytes) -> None:
        if active not in sealing:
            raise KeysError("the active key is not among the keys")
        self.active = active
        self._ciphers = {bytes.fromhex(name): AESGCM(key) for name, key in sealing.items()}
        self._hashing = hashing

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Keys as a JSON object: `{"active": id, "sealing": {id: base64 of 32 bytes}, "hashing": base64 of 32 bytes}`."""
        try:
            raw = json.loads(text)
            sealing = {name: base64.b64decode(key) for name, key in raw["sealing"].items()}
            hashing = base64.b64decode(raw["hashing"])
            short = any(len(key) != 32 for key in (*sealing.values(), hashing)) or any(len(bytes.fromhex(n)) != KEY_ID for n in sealing)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KeysError("the keys are not a JSON object of the expected form") from None
        if short:
            raise KeysError("a key has not 32 bytes, or its id not 4")
        return cls(raw["active"], sealing, hashing)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read the keys; make them, readable by this user only, where there is no file yet."""
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            raise KeysError(f"{path.name} can be read by others: chmod 600")
        return cls.from_json(path.read_text("ascii"))

    def seal(self, value: Any, context: str) -> bytes:
        """Encrypt a JSON value for one place.

        Args:
            value: anything JSON can hold.
            context: where it is kept, "table:conversation"; needed again to open it.
        """
        return self.seal_bytes(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8"), context)

    def seal_bytes(self, plain: bytes, context: str) -> bytes:
        """Encrypt bytes (a file) for one place."""
        key_id, nonce = bytes.fromhex(self.active), secrets.token_bytes(NONCE)
        return VERSION + key_id + nonce + self._ciphers[key_id].encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> Any:
        """Decrypt what `seal` made.

        Raises:
            SealError: it does not open.
        """
        return json.loads(self.open_bytes(sealed, context))

    def open_bytes(self, sealed: bytes, context: str) -> bytes:
        """Decrypt what `seal_bytes` made.

        Raises:
            SealError: it does not open.
        """
        head = 1 + KEY_ID + NONCE
        cipher = self._ciphers.get(sealed[1 : 1 + KEY_ID])
        if sealed[:1] != VERSION or cipher is None:
            raise SealError("unknown version or key")
        try:
            return cipher.decrypt(sealed[1 + KEY_ID : head], sealed[head:], context.encode())
        except InvalidTag:
            raise SealError("the value does not belong here or is damaged") from None

    def hash(self, value: str, purpose: str) -> bytes:
        """A keyed hash for looking up equal values; 32 bytes. `purpose` keeps the hashes of different columns apart."""
        return hmac.new(self._hashing, f"{purpose}\0{value}".encode("utf-8", "replace"), hashlib.sha256).digest()


def _make(path: Path) -> None:
    name = secrets.token_hex(KEY_ID)
    text = json.dumps(
        {
            "active": name,
            "sealing": {name: base64.b64encode(secrets.token_bytes(32)).decode()},
            "hashing": base64.b64encode(secrets.token_bytes(32)).decode(),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_suffix(f".{os.getpid()}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)  # whoever comes second keeps the first one's keys
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
