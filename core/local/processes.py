"""Child processes that never outlive their parent: each in a group of its own, all of them watched by one guard."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from core.domain.errors import Refused
from core.local import guard

LOOPBACK = "127.0.0.1"
OWN = ("AWS_", "HOGA_", "LAMBDA_", "MINISTACK_")
"""Variables of the caller's shell that must not reach the system on one machine: real credentials among them."""


def free_port() -> int:
    """A port that nobody listens on now. Whoever uses it must still expect to lose it to a second run."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


def clean(host: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what would lead to a real account, and with no proxy before the loopback."""
    kept = {name: value for name, value in host.items() if not name.startswith(OWN)}
    return {**kept, **unproxied(host)}


def unproxied(host: Mapping[str, str]) -> dict[str, str]:
    """NO_PROXY in both spellings, the loopback added to what the caller has there."""
    named = host.get("NO_PROXY") or host.get("no_proxy") or ""
    both = ",".join(filter(None, (named, LOOPBACK, "localhost")))
    return {"NO_PROXY": both, "no_proxy": both}


class Child:
    """One started program and its whole process group."""

    def __init__(self, name: str, process: subprocess.Popen[str], log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def code(self) -> int | None:
        """Exit code, negative for a signal, None while it runs."""
        return self._process.poll()

    def line(self, patience_s: float) -> str:
        """The next line of its standard output, "" where none came in time or the output ended."""
        if self._process.stdout is None:
            raise Refused("this program's output goes to a file", program=self.name, file=self.log)
        return _read_line(self._process.stdout, patience_s)

    def kill(self) -> None:
        """End the whole group at once."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def stop(self, patience_s: float = 5.0) -> bool:
        """Ask the program to end, then end its group. True where it ended when asked."""
        if self.running:
            self._process.terminate()
        try:
            self._process.wait(patience_s)
            return True
        except subprocess.TimeoutExpired:
            return False
        finally:
            self.kill()
            if self._process.stdout is not None:
                self._process.stdout.close()

    def tail(self, lines: int = 5) -> str:
        """The end of its log, for telling why it stopped."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


class Children:
    """Everything that one run has started; closing it leaves no process behind."""

    def __init__(self) -> None:
        self.all: list[Child] = []
        self._guard = subprocess.Popen(
            [sys.executable, "-I", guard.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def start(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        *,
        cwd: Path | None = None,
        talks: bool = False,
    ) -> Child:
        """Start a program in its own group. Output goes to `log`; where it `talks`, its standard output is a pipe."""
        with log.open("ab") as sink:
            process = subprocess.Popen(
                list(command),
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else sink,
                stderr=sink,
                text=True,
                start_new_session=True,
            )
        self._tell(f"+{process.pid}")
        child = Child(name, process, log)
        self.all.append(child)
        return child

    def stop(self, child: Child, patience_s: float = 5.0) -> bool:
        """Stop one of them; True where it ended when asked."""
        asked = child.stop(patience_s)
        self.forget(child)
        return asked

    def forget(self, child: Child) -> None:
        """It has ended and its whole group with it."""
        if child in self.all:
            self.all.remove(child)
            self._tell(f"-{child.pid}")

    def close(self) -> None:
        """Stop all, the last started first."""
        for child in reversed(list(self.all)):
            self.stop(child)
        if self._guard.stdin is not None:
            with suppress(BrokenPipeError):
                self._guard.stdin.close()
        self._guard.wait()

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self, line: str) -> None:
        if self._guard.stdin is None or self._guard.poll() is not None:
            raise Refused("the guard process has been ended from outside", guard=self._guard.pid)
        self._guard.stdin.write(line + "\n")
        self._guard.stdin.flush()


def alive(pid: int) -> bool:
    """Whether a process of this number runs (or is another user's)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read_line(pipe: IO[str], patience_s: float) -> str:
    """One line, or "" at the deadline. Read byte by byte: select cannot see a line left in a buffer."""
    deadline = time.monotonic() + patience_s
    text = b""
    while not text.endswith(b"\n"):
        ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return ""
        piece = os.read(pipe.fileno(), 1)
        if not piece:
            break
        text += piece
    return text.decode(errors="replace").strip()
