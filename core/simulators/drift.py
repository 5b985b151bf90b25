"""Where an ordinary price is at any moment, past or future: layered value noise over hashed lattice points.

The same moment always gives the same price, so history can be read backwards for ever and live trading goes on
from it without a seam. Nothing here remembers anything.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from core.domain.values import DAY, HOUR, MINUTE

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]
Times = NDArray[np.int64]

OCTAVES = (
    (10 * DAY, 0.0090),
    (2 * DAY, 0.0050),
    (8 * HOUR, 0.0025),
    (HOUR, 0.0012),
    (5 * MINUTE, 0.0006),
    (MINUTE, 0.0003),
)
"""(period in ms, largest move as a fraction): together under 1.9 %, so that a price stays within 3 % of its average."""

_STRIDE = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_PERIODS = np.array([period for period, _ in OCTAVES], dtype=np.int64)
_REACHES = np.array([reach for _, reach in OCTAVES])
_SALTS = np.arange(1, len(OCTAVES) + 1, dtype=np.uint64) * _SECOND
"""One layer's keys are independent of another's."""


def key_of(seed: int, text: str) -> int:
    """64 bits that stand for one thing under one seed."""
    return int.from_bytes(blake2b(f"{seed}:{text}".encode(), digest_size=8).digest(), "big")


def unit(keys: Words, index: Times) -> Floats:
    """Uniform numbers in 0 <= u < 1, one for each (key, index); broadcasts. Source: splitmix64's finaliser."""
    word = np.atleast_1d(keys) + index.astype(np.uint64) * _STRIDE
    word = (word ^ (word >> np.uint64(30))) * _FIRST
    word = (word ^ (word >> np.uint64(27))) * _SECOND
    word = word ^ (word >> np.uint64(31))
    return np.asarray((word >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def salted(keys: Words, salt: int) -> Words:
    """Independent keys made of the same keys."""
    return np.asarray(np.atleast_1d(keys) ^ (np.array([salt + 1], dtype=np.uint64) * _SECOND))


def drift(keys: Words, times: Times) -> Floats:
    """Natural log of price over base price at `times` (epoch ms), within about +-0.019. Broadcasts keys with times."""
    keys = np.atleast_1d(keys)
    layers = (len(OCTAVES), *(1,) * max(keys.ndim, times.ndim))
    periods, reaches = _PERIODS.reshape(layers), _REACHES.reshape(layers)
    place = times // periods
    part = (times - place * periods) / periods
    smooth = part * part * (3.0 - 2.0 * part)
    own = keys ^ _SALTS.reshape(layers)
    before, after = unit(own, place), unit(own, place + 1)
    return np.asarray(np.add.reduce(reaches * (2.0 * (before + (after - before) * smooth) - 1.0), axis=0))
