"""E12 on tables: sixteen at once buy one token, and a table that is silent says so without a word of it."""

import threading
from itertools import count
from time import monotonic, sleep, time_ns

import pytest
from botocore.exceptions import EndpointConnectionError

from core.adapters.dynamo.budget import DynamoBudget
from core.adapters.dynamo.tokens import DynamoVault
from core.app.tokens import CALL, Counter, Deposit, credential
from core.domain.errors import RateLimited, Transient
from core.domain.values import DAY, Market, Millis
from core.venues.spec import Issued
from tests.cloud import create

GAP = 61_000
AT = Millis(1_795_132_800_000)
NAME = "krx#real#0#token"
numbers = count(1)


def now():
    return Millis(time_ns() // 1_000_000)


@pytest.fixture
def tables(dynamo):
    return create(dynamo)


def vault_of(tables):
    return DynamoVault(tables.state, tables.client())


def test_a_row_is_what_was_written(tables):
    vault = vault_of(tables)
    assert vault.read(NAME) == Deposit()

    assert vault.claim(NAME, "a", Deposit(), AT, Millis(AT + GAP))
    assert vault.read(NAME) == Deposit(due=Millis(AT + GAP), owner="a")
    assert vault.finish(NAME, "a", Issued("t", Millis(AT + DAY)), Millis(AT + 5))
    assert vault.read(NAME) == Deposit(text="t", ends=Millis(AT + DAY), due=Millis(AT + 5), version=1)


def test_a_claim_holds_against_others_and_passes_again_when_its_reply_was_lost(tables):
    vault = vault_of(tables)

    assert vault.claim(NAME, "a", Deposit(), AT, Millis(AT + GAP))
    assert not vault.claim(NAME, "b", Deposit(), AT, Millis(AT + GAP))
    assert vault.claim(NAME, "a", Deposit(), AT, Millis(AT + GAP))


def test_only_the_claims_owner_ends_it_and_a_failure_keeps_the_old_text(tables):
    vault = vault_of(tables)
    vault.claim(NAME, "a", Deposit(), AT, Millis(AT + GAP))

    assert not vault.finish(NAME, "b", Issued("other", Millis(AT)), AT)
    assert vault.finish(NAME, "a", Issued("t", Millis(AT + DAY)), AT)
    found = vault.read(NAME)
    assert vault.claim(NAME, "c", found, AT, Millis(AT + GAP))
    assert vault.finish(NAME, "c", None, Millis(AT + 9))
    assert vault.read(NAME) == Deposit(text="t", ends=Millis(AT + DAY), due=Millis(AT + 9), version=2)


def race(tables, refused="", racers=16, gap=GAP):
    """Everybody at once, each with a client of its own: the texts they got, and how often the venue was asked."""
    start, asked, texts, lock = threading.Barrier(racers), [], [], threading.Lock()

    def ask():
        with lock:
            asked.append(now())
        sleep(0.05)
        return Issued(f"token-{next(numbers)}", Millis(now() + DAY))

    def run():
        counter = Counter(
            name=NAME, ask=ask, gap_ms=gap, vault=vault_of(tables), clock=now, sleep=sleep,
            owner=lambda: f"{threading.get_ident()}/{next(numbers)}",
        )  # fmt: skip
        start.wait()
        text = credential(counter, refused).text
        with lock:
            texts.append(text)

    threads = [threading.Thread(target=run) for _ in range(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return texts, asked


@pytest.mark.cloud
def test_sixteen_that_need_a_token_at_once_buy_one(tables):
    texts, asked = race(tables)

    assert len(texts) == 16
    assert len(set(texts)) == 1
    assert len(asked) == 1


@pytest.mark.cloud
def test_sixteen_whose_token_was_refused_at_once_renew_it_once(tables):
    first, _ = race(tables, racers=2, gap=10)

    texts, asked = race(tables, refused=first[0])

    assert set(texts) != {first[0]}
    assert (len(set(texts)), len(asked)) == (1, 1)


@pytest.mark.cloud
def test_the_claim_of_one_who_died_ends_by_itself_and_not_before(tables):
    vault_of(tables).claim(NAME, "dead", Deposit(), AT, Millis(AT + GAP + CALL))

    clock = [AT]

    def pause(seconds):
        clock[0] = Millis(clock[0] + round(seconds * 1000))

    counter = Counter(
        name=NAME, ask=lambda: Issued("t", Millis(clock[0] + DAY)), gap_ms=GAP, vault=vault_of(tables),
        clock=lambda: clock[0], sleep=pause, owner=lambda: "me",
    )  # fmt: skip
    with pytest.raises(RateLimited):
        credential(counter)
    clock[0] = Millis(AT + GAP + CALL)
    assert credential(counter).text == "t"


@pytest.mark.cloud
def test_three_functions_at_once_stay_under_the_shared_budget(tables):
    """B2: 18 calls a second, a fifth kept free, counted over every second wherever it begins."""
    went, lock = [], threading.Lock()

    def function():
        budget, ends = DynamoBudget(tables.state, tables.client()), monotonic() + 2.5
        while monotonic() < ends:
            at = now()
            if wait := budget.take(Market.KRX, "rest", 18 * 0.8, at):
                sleep(wait / 1000)
                continue
            with lock:
                went.append(at)

    threads = [threading.Thread(target=function) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(went) > 10
    assert max(sum(start <= at < start + 1000 for at in went) for start in went) <= 14


def test_a_silent_table_says_so_without_a_word_of_the_credential():
    class Silent:
        class exceptions:
            ConditionalCheckFailedException = KeyError

        def get_item(self, **request):
            raise EndpointConnectionError(endpoint_url="http://x")

        update_item = get_item

    vault = DynamoVault("state", Silent())
    for call in (
        lambda: vault.read("canary"),
        lambda: vault.claim("canary", "me", Deposit(text="canary"), AT, AT),
        lambda: vault.finish("canary", "me", Issued("canary", AT), AT),
    ):
        with pytest.raises(Transient, match="do not answer") as told:
            call()
        assert "canary" not in str(told.value)
        assert told.value.__cause__ is None
