"""D16: a time to live, refreshed, invalidated, counted."""

from hypothesis import given
from hypothesis import strategies as st

from core.domain.values import Millis
from core.feed.cache import Cache


def at(ms):
    return Millis(ms)


def test_a_value_lives_as_long_as_it_was_given_and_every_answer_is_counted():
    cache = Cache()
    assert cache.hit_rate == 0.0
    cache.put("a", 1, 100, at(0))
    assert [cache.get("a", at(99)), cache.get("a", at(100)), cache.get("b", at(0))] == [1, None, None]
    assert (cache.hits, cache.misses, cache.hit_rate) == (1, 2, 1 / 3)


def test_a_new_value_takes_the_place_of_the_old_one_with_a_life_of_its_own():
    cache = Cache()
    cache.put("a", 1, 100, at(0))
    cache.put("a", 2, 100, at(80))
    assert cache.peek("a", at(150)) == 2
    assert (cache.refreshed, cache.hits) == (1, 0)


def test_what_changed_is_taken_out():
    cache = Cache()
    cache.put("a", 1, 100, at(0))
    cache.invalidate(["a", "nothing"])
    assert cache.peek("a", at(1)) is None
    assert cache.invalidated == 1


def test_a_clock_that_is_set_back_makes_nothing_immortal():
    cache = Cache()
    cache.put("a", 1, 100, at(1000))
    assert cache.peek("a", at(500)) is None


@given(st.lists(st.tuples(st.sampled_from(["put", "get", "cut"]), st.sampled_from("ab"), st.integers(0, 300))))
def test_it_answers_like_a_plain_list_of_all_that_was_written(steps):
    cache, log = Cache(), []
    for n, (step, key, now) in enumerate(sorted(steps, key=lambda step: step[2])):
        match step:
            case "put":
                cache.put(key, n, 50, at(now))
                log.append((key, n, now))
            case "cut":
                cache.invalidate([key])
                log = [row for row in log if row[0] != key]
            case _:
                alive = [row for row in log if row[0] == key]
                expected = alive[-1][1] if alive and now < alive[-1][2] + 50 else None
                assert cache.get(key, at(now)) == expected
    assert cache.hits + cache.misses == sum(step == "get" for step, _, _ in steps)
