"""Two real streamer processes on the embedded AWS: one speaks, the other takes over (D6, D13)."""

import signal
from itertools import chain

import pytest

from core.adapters.dynamo.shards import DynamoShards
from core.domain.levels import SafeSet, Saved, StreamHealth
from core.domain.tenure import Shard, Tenure
from core.domain.values import Market
from tests.streamer.conftest import until, wall_ms
from tests.streamer.test_program import WANTED, Program, subscribed
from tests.streamer.test_program import program as program
from tests.streamer.test_program import shelf as shelf

SHARD = Shard(Market.UPBIT)


@pytest.fixture
def shards(stack):
    import boto3

    from core.adapters.access import access

    found = DynamoShards(stack.outputs["StateTable"], boto3.client("dynamodb", **access(stack.environment())))
    yield found
    row = found.read(SHARD)
    found.write(SHARD, Tenure(version=row.version, fence=row.fence))


@pytest.fixture
def second(program, tmp_path):
    folder = tmp_path / "second"
    folder.mkdir()
    made = Program(folder, {**program.environment, "HOGA_RUN_DIR": str(folder)})
    yield made
    made.clean_up()


async def both(program, second, shards, shelf):
    """The first speaks, the second stands by; gives the second's name."""
    program.start()
    await until(lambda: shards.read(SHARD).owner.endswith(f":{program.child.pid}"), "the lease")
    owner = shards.read(SHARD).owner
    await until(lambda: subscribed(shelf) == WANTED and shelf.read(StreamHealth, Market.UPBIT).host == owner)
    second.start()
    await until(lambda: shards.read(SHARD).waiting, "a standby")
    return shards.read(SHARD).waiting


@pytest.mark.cloud
@pytest.mark.slow
async def test_a_standby_takes_over_from_one_that_hangs_and_that_one_lets_go_when_it_wakes(
    program, second, shards, shelf, upbit
):
    """D13: it lives, so the end of its lease is waited for (here 2 s); and awake again it does not speak beside."""
    for each in (program, second):
        each.environment["HOGA__MARKETS__UPBIT__STREAM__LEASE_S"] = "2"
    standby = await both(program, second, shards, shelf)
    await until(lambda: (saved := shelf.read(Saved, Market.UPBIT)) and saved.wanted == WANTED)
    program.child.send_signal(signal.SIGSTOP)
    await until(lambda: shards.read(SHARD).owner == standby, "the takeover")
    await until(lambda: (h := shelf.read(StreamHealth, Market.UPBIT)).host == standby and h.subscribed == WANTED)
    assert shards.read(SHARD).fence > 1
    assert second.said("state restored")
    program.child.send_signal(signal.SIGCONT)
    await until(lambda: program.said("the lease is not ours any more"), "the end of the one that hung")
    await until(lambda: upbit.log.open == 1, "one connection")
    assert shards.read(SHARD).owner == standby


@pytest.mark.cloud
@pytest.mark.slow
async def test_on_a_deploy_the_new_connection_is_up_before_the_old_one_goes(program, second, shards, shelf, upbit):
    """D6: SIGTERM of the one that speaks while another stands by."""
    standby = await both(program, second, shards, shelf)
    most, before = [0], upbit.log.connections

    def handed():
        most[0] = max(most[0], upbit.log.open)
        return shards.read(SHARD).owner == standby

    program.child.send_signal(signal.SIGTERM)
    await until(handed, "the hand-over")
    assert await program.ended() == 0
    assert (most[0], upbit.log.connections) == (2, before + 1)
    taken = [line["outcome"] for line in second.lines() if line.get("message") == "a shard is taken up"]
    assert taken == ["shadow"]
    await until(lambda: (h := shelf.read(StreamHealth, Market.UPBIT)).host == standby and h.subscribed == WANTED)


@pytest.mark.cloud
@pytest.mark.slow
async def test_two_hosts_share_two_shards_and_each_symbol_is_streamed_and_signalled_by_one(
    program, second, shelf, upbit
):
    """D5: the second joins later and is given its part; what both say of themselves is one level; one of them killed,
    the other takes over."""
    shelf.write(SafeSet(market=Market.UPBIT, at=wall_ms(), safe=WANTED, excluded=(), names={}))
    for each in (program, second):
        each.environment["HOGA__MARKETS__UPBIT__STREAM__SHARDS"] = "2"
        each.environment["HOGA__MARKETS__UPBIT__INDICATORS__WARMUP"] = (
            "20"  # the rule looks back further than five bars
        )
        each.environment["HOGA__MARKETS__UPBIT__STREAM__LEASE_S"] = "2"
    program.start()
    await until(lambda: sorted(chain(*carried(upbit))) == list(WANTED), "both at the first")
    second.start()
    await until(lambda: (h := shelf.read(StreamHealth, Market.UPBIT)) and h.host.count(", ") and h.subscribed == WANTED)
    for _ in range(40):  # little by little: what a host that is not ready yet hears is no fall to it later
        if len(signalled(program, second)) == 2:
            break
        for symbol in WANTED:
            upbit.market.push(symbol, -0.02, 0.5, wall_ms())
        told = shelf.read(StreamHealth, Market.UPBIT).at
        await until(lambda told=told: shelf.read(StreamHealth, Market.UPBIT).at > told + 700)
    assert signalled(program, second) == {f"upbit:{symbol}" for symbol in WANTED}
    await until(lambda: carried(upbit) == [[WANTED[0]], [WANTED[1]]], "one symbol each")
    sent = [line["key"] for each in (program, second) for line in each.said("signal sent")]
    assert len(sent) == len(set(sent))
    assert all(len({line["instrument"] for line in each.said("signal sent")}) == 1 for each in (program, second))
    program.child.kill()
    await program.ended()
    await until(lambda: sorted(chain(*carried(upbit))) == list(WANTED), "both at the other")


def carried(upbit):
    """Symbols by connection, as the venue sees them."""
    asks = (link.guest.subscriber.asks for link in upbit.stream._board.connections)
    return sorted(sorted({code.partition(".")[0] for ask in each for code in ask.codes}) for each in asks)


def signalled(*hosts):
    return {line["instrument"] for each in hosts for line in each.said("signal sent")}
