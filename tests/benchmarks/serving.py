"""A WebSocket server in a process of its own that sends prepared frames, and costs so little that it is never waited
for: whole blocks in bulk, one frame at its moment when paced."""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.frames import STAMP, made

BLOCK = 1 << 18
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
SPIN_S = 0.0003
"""A sleep may be so late: what is left after it is waited for awake, on a core of its own."""


def framed(body: bytes) -> bytes:
    """One unmasked text frame."""
    size = len(body)
    head = bytes((0x81, size)) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big")
    return head + body


def answer(wire: socket.socket) -> None:
    """Shake hands, whatever the path."""
    asked = b""
    while b"\r\n\r\n" not in asked:
        asked += wire.recv(4096)
    key = next(line for line in asked.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:")).split(b":")[1]
    proof = base64.b64encode(hashlib.sha1(key.strip() + GUID).digest())
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    wire.sendall(head + b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n")


def send_paced(wire: socket.socket, frames: list[bytes], rate: int) -> None:
    """Each frame at its own moment, stamped with it in microseconds."""
    blank = str(STAMP).encode()
    began = time.perf_counter()
    for number, frame in enumerate(frames):
        due = began + number / rate
        while (left := due - time.perf_counter()) > 0.0:
            if left > SPIN_S:
                time.sleep(left - SPIN_S)
        wire.sendall(frame.replace(blank, b"%d" % (time.time_ns() // 1000), 1))


def serve(chosen: argparse.Namespace) -> None:
    pin(1)
    start = 1_700_000_000_000 // 3_600_000 * 3_600_000
    frames = [framed(body) for body in made(chosen.venue, chosen.messages, start, mix=chosen.mix)]
    bulk = b"".join(frames)
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            wire, _ = server.accept()
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with wire, contextlib.suppress(OSError):
                answer(wire)
                wire.recv(65536)
                if chosen.paced:
                    send_paced(wire, frames, chosen.paced)
                else:
                    for first in range(0, len(bulk), BLOCK):
                        wire.sendall(bulk[first : first + BLOCK])
                wire.recv(65536)  # a goodbye: nobody needs an answer to it


def pin(core: int) -> None:
    """Keep this process on one core, where there are two and the system lets us."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


@contextlib.contextmanager
def serving(venue: str, messages: int, paced: int = 0, mix: bool = False) -> Iterator[str]:
    """The address of a server in another process, until the end of the block."""
    options = ["--venue", venue, "--messages", str(messages), "--paced", str(paced), *(["--mix"] if mix else [])]
    with subprocess.Popen([sys.executable, __file__, *options], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield f"ws://127.0.0.1:{int(child.stdout.readline())}/"
        finally:
            child.terminate()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--venue", required=True)
    options.add_argument("--messages", type=int, required=True)
    options.add_argument("--paced", type=int, default=0)
    options.add_argument("--mix", action="store_true")
    serve(options.parse_args())


if __name__ == "__main__":
    main()
