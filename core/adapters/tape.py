"""Tapes: what a socket gave, with the time it came, one line each; read in order of arrival, written as it comes.

    URL <-> EPOCH              connected
    URL <- EPOCH: TEXT         sent by us
    EPOCH: PAYLOAD             received; a binary frame is a Python bytes literal b'...', a text frame is itself
    URL -> EPOCH: BODY         answer of a REST call

EPOCH is seconds with a fraction, on the clock of the machine that recorded. Gzip is told by its first bytes.
"""

import gzip
import re
import zlib
from ast import literal_eval
from collections.abc import Iterator
from gzip import GzipFile
from io import BufferedReader, BufferedWriter
from pathlib import Path
from types import TracebackType
from typing import Self

from core.domain.errors import WireSurprise
from core.domain.values import Millis

GZIP = b"\x1f\x8b"
RECEIVED = re.compile(r"(\d{9,11})(?:\.(\d{1,12}))?: (.+)", re.DOTALL)
OTHER = re.compile(r"\S+ (?:<->|<-|->) \d{9,11}(?:\.\d+)?(?::|$)")
SHOWN = 60


class TornTape(WireSurprise):
    """A tape that does not read; the text names the file and the line."""

    remedy = "Take that line out or record again; the lines before it are good."


def frames(path: Path) -> Iterator[tuple[Millis, bytes]]:
    """Received frames and when they came (epoch ms), one at a time, whatever the length of the tape.

    Raises:
        TornTape: the file cannot be opened, is cut inside its compression, or a line is none of the four kinds.
    """
    line = 0
    try:
        with _opened(path) as tape:
            for line, raw in enumerate(tape, start=1):
                if (frame := _frame(raw.rstrip(b"\r\n"), line, path)) is not None:
                    yield frame
    except (OSError, EOFError, zlib.error) as fault:
        raise TornTape("The tape cannot be read on", path=path.name, line=line + 1, fault=fault) from fault


def _opened(path: Path) -> GzipFile | BufferedReader:
    with path.open("rb") as look:
        packed = look.read(len(GZIP)) == GZIP
    return gzip.open(path, "rb") if packed else path.open("rb")


def _frame(raw: bytes, line: int, path: Path) -> tuple[Millis, bytes] | None:
    """The frame of one line; None for lines of another kind."""
    try:
        text = raw.decode()
        if found := RECEIVED.fullmatch(text):
            seconds, fraction, payload = found.groups("0")
            at = int(seconds) * 1000 + int(f"{fraction}000"[:3])
            return Millis(at), _payload(payload)
        if not text.strip() or OTHER.match(text):
            return None
    except (ValueError, SyntaxError, MemoryError, RecursionError) as fault:
        raise TornTape("A frame of the tape does not read", path=path.name, line=line, fault=fault) from fault
    raise TornTape("A line of the tape is of no known kind", path=path.name, line=line, text=text[:SHOWN])


def _payload(text: str) -> bytes:
    if not text.startswith(("b'", 'b"')):
        return text.encode()
    payload = literal_eval(text)
    if not isinstance(payload, bytes):
        raise ValueError("not one bytes literal")
    return payload


class TapeWriter:
    """Writes a tape, line by line; a name that ends in .gz is packed. A context manager; closing keeps all of it."""

    def __init__(self, path: Path) -> None:
        self._out: GzipFile | BufferedWriter = gzip.open(path, "wb") if path.suffix == ".gz" else path.open("wb")  # noqa: SIM115

    def connected(self, url: str, at: Millis) -> None:
        self._line(f"{url} <-> {_epoch(at)}")

    def sent(self, url: str, at: Millis, message: bytes) -> None:
        self._line(f"{url} <- {_epoch(at)}: {message.decode('utf-8', 'backslashreplace')}")

    def received(self, at: Millis, frame: bytes) -> None:
        """One frame, whatever its bytes."""
        self._line(f"{_epoch(at)}: {bytes(frame)!r}")

    def close(self) -> None:
        self._out.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _line(self, text: str) -> None:
        self._out.write(text.replace("\n", " ").encode() + b"\n")


def _epoch(at: Millis) -> str:
    """Seconds with three decimals."""
    return f"{at // 1000}.{at % 1000:03d}"
