"""D5, D13: the engine's state leaves and comes back in pieces, never as one."""

import asyncio
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.state import LOT, pieces_of, pressed

PIECES = st.lists(st.one_of(st.binary(max_size=300), st.integers(0, 3 * LOT).map(bytes)), max_size=12)

BEFORE = zlib.compress(msgspec.msgpack.encode(["2;upbit;settings", [["KRW-BTC", 1, b"", 1.0]]]))
"""As version 2 wrote it: all of it as one."""


async def here(make):
    return make()


@given(PIECES)
def test_what_was_pressed_comes_back_piece_by_piece(pieces):
    assert [*pieces_of(asyncio.run(pressed(iter(pieces), here)))] == pieces


@given(PIECES, st.floats(0, 1, exclude_max=True))
def test_a_state_that_was_cut_off_is_refused(pieces, share):
    written = asyncio.run(pressed(iter(pieces), here))
    with pytest.raises(ValueError, match="cut off"):
        [*pieces_of(written[: int(share * len(written))])]


@pytest.mark.parametrize("written", [b"nonsense", zlib.compress(b"\x05\x00\x00\x00half"), BEFORE])
def test_what_nobody_pressed_is_refused(written):
    with pytest.raises(ValueError, match=r"not of this program|cut off"):
        [*pieces_of(written)]


async def test_others_have_their_turn_after_each_lot_and_nothing_is_made_before_it_is_asked_for():
    """A thousand symbols are forty milliseconds of encoding: no trade waits for all of them."""
    made, seen = [], []

    def pieces():
        for number in range(10):
            made.append(number)
            yield bytes(LOT)

    async def aside(make):
        seen.append(len(made))
        await asyncio.sleep(0)
        return make()

    assert [*pieces_of(await pressed(pieces(), aside))] == [bytes(LOT)] * 10
    assert seen == [*range(1, 11), 10]
