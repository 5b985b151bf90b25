"""A table that fills itself: a text that frames repeat is worked out once, and looked up every time after that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Text = TypeVar("Text", str, bytes)
Value = TypeVar("Value")
MOST = 8192


class Table(dict[Text, Value]):
    """Text -> what `read` makes of it. Begun anew when MOST are kept, so ever new texts cannot fill the memory; one
    that `read` refuses is never kept.

    On the hot path it is cheaper than an `lru_cache`: a look-up moves nothing.

    >>> lengths = Table[str, int](len)
    >>> lengths["seven"], dict(lengths)
    (5, {'seven': 5})
    """

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[Text], Value]) -> None:
        self._read: Callable[[Text], Value] = read

    def __missing__(self, text: Text) -> Value:
        value = self._read(text)
        if len(self) >= MOST:
            self.clear()
        self[text] = value
        return value
