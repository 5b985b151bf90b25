"""The encryption of own-order notices: AES-256-CBC, PKCS7, base64; key and iv as text. Source: reference/kis.md 7.4."""

from __future__ import annotations

from base64 import b64encode
from hashlib import blake2b
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

BLOCK_BITS = 128


class Secret(NamedTuple):
    """What a registration's answer gives: 32 and 16 ASCII characters."""

    key: str
    iv: str


def secret_of(word: str) -> Secret:
    """A pair that follows from a word, so that a run can be repeated."""
    digest = blake2b(word.encode(), digest_size=24).hexdigest()
    return Secret(digest[:32], digest[32:48])


def sealed(text: str, secret: Secret) -> str:
    padder = PKCS7(BLOCK_BITS).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    lock = Cipher(algorithms.AES(secret.key.encode()), modes.CBC(secret.iv.encode())).encryptor()
    return b64encode(lock.update(padded) + lock.finalize()).decode()
