"""One heap for all threads of the streamer, where the C library is glibc (D5)."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from streamer import heap

ROOT = Path(__file__).parents[2]


def test_the_heap_is_told_three_things_and_says_whether_it_took_them():
    told = {}
    assert heap.tame(SimpleNamespace(mallopt=lambda what, value: told.setdefault(what, value)))
    assert told == {heap.ARENA_MAX: 1, heap.MMAP_THRESHOLD: heap.LARGE, heap.TRIM_THRESHOLD: heap.LARGE}
    assert not heap.tame(SimpleNamespace(mallopt=lambda what, value: 0))


def test_where_the_library_has_no_such_thing_nothing_happens():
    assert not heap.tame(SimpleNamespace())


def test_the_librarys_of_this_machine_takes_them_or_has_none():
    """In a process of its own: it cannot be taken back."""
    code = "import platform; from streamer import heap; assert heap.tame() or platform.libc_ver()[0] != 'glibc'"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
