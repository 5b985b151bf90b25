"""A process that the operating system ends with SIGKILL, and a world that goes on without it.

The process is a fork. What outlives every process (tables, logs, levels, the venue, the clock) stays where it is, and
the fork asks for it over a pipe, one call at a time: so a call is either carried out whole or was never made.
"""

import multiprocessing
import os
import signal as signals
import traceback


class Far:
    """An object of the world, as a process sees it."""

    def __init__(self, name, pipe):
        self._name, self._pipe = name, pipe

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *given, **named: self._asked(name, given, named)

    def __call__(self, *given):
        return self._asked("__call__", given, {})

    def _asked(self, method, given, named):
        self._pipe.send((self._name, method, given, named))
        answer, fault = self._pipe.recv()
        if fault is not None:
            raise fault
        return answer


def run(world, act):
    """Run `act(far, tell)` in a process of its own until it ends or is killed: its exit code, and what it told last.

    world  objects by name; `far` has the same names. `tell` sends a value that outlives the process
    """
    ours, theirs = multiprocessing.Pipe()
    child = os.fork()
    if child == 0:
        _live(theirs, ours, world, act)
    theirs.close()
    told = _served(ours, world)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), told


def end_by_sigkill():
    os.kill(os.getpid(), signals.SIGKILL)


def _live(pipe, other, world, act):
    other.close()
    code = 1
    try:
        act({name: Far(name, pipe) for name in world}, lambda value: pipe.send(("", "", value, {})))
        code = 0
    except BaseException:
        pipe.send(("", "", traceback.format_exc(), {}))
    finally:
        os._exit(code)


def _served(pipe, world):
    told = None
    while True:
        try:
            name, method, given, named = pipe.recv()
        except (EOFError, ConnectionResetError):
            return told
        if not name:
            told = given
            continue
        try:
            answer = getattr(world[name], method)(*given, **named), None
        except Exception as fault:  # the world's fault is the process's to see
            answer = None, fault
        try:
            pipe.send(answer)
        except BrokenPipeError:
            return told
