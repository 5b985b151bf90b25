"""Few registrations shared out: who gets one, who keeps one, who is cut, and that nobody comes and goes (D2, D4, D5)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.policies import WatchPolicy
from core.feed.slots import Room, Slots
from core.venues.spec import Channel, Topic

TOPICS = (Topic.TRADE, Topic.STATE, Topic.BOOK)
NOTICES = Channel(Topic.ORDERS, "HTSID", "real")
SYMBOLS = [f"S{number:02d}" for number in range(30)]
MINUTE = 60_000


def policy(**changes):
    return WatchPolicy(**({"min_stay_s": 120.0, "churn_per_min": 10, "slack": 3} | changes))


def rooms(*slots, topics=TOPICS, always=()):
    return {link: Room(count, topics, always) for link, count in enumerate(slots)}


def symbols(layout, topic=Topic.TRADE):
    return {channel.symbol for channels in layout.values() for channel in channels if channel.topic is topic}


def test_the_reference_case_of_forty_one():
    """One own-order notice, everything about what is held, a trade for each of the others, then their states."""
    slots = Slots(policy())
    (layout,) = slots.seat(SYMBOLS[:4], SYMBOLS[:20], rooms(41, always=(NOTICES,)), 0).values()
    assert layout[0] == NOTICES
    assert [channel.symbol for channel in layout[1:21]] == SYMBOLS[:20]
    assert all(channel.topic is Topic.TRADE for channel in layout[1:21])
    extras = layout[21:]
    assert len(layout) == 41
    assert {channel.symbol for channel in extras if channel.topic is Topic.BOOK} == set(SYMBOLS[:4])
    assert {channel.symbol for channel in extras if channel.topic is Topic.STATE} == set(SYMBOLS[:16])
    assert slots.cut == ()


def test_what_finds_no_place_is_named_best_first():
    slots = Slots(policy())
    slots.seat([], SYMBOLS[:30], rooms(21, always=(NOTICES,)), 0)
    assert slots.cut == tuple(SYMBOLS[20:30])


def test_held_symbols_come_before_the_better_ranked_and_take_what_they_need_at_once():
    """An exit that cannot be seen costs more than a churned place."""
    slots = Slots(policy(churn_per_min=1))
    slots.seat([], SYMBOLS[:10], rooms(10), 0)
    layout = slots.seat(["S20", "S21"], SYMBOLS[:10], rooms(10), 1_000)
    assert symbols(layout) == {"S20", "S21", *SYMBOLS[:4]}
    assert symbols(layout, Topic.BOOK) == {"S20", "S21"}
    assert slots.cut == tuple(SYMBOLS[4:10])


def test_when_even_the_held_ones_do_not_fit_each_gets_one_before_any_gets_two():
    slots = Slots(policy())
    layout = slots.seat(SYMBOLS[:5], [], rooms(6), 0)
    assert symbols(layout) == set(SYMBOLS[:5])
    assert symbols(layout, Topic.STATE) == {"S00"}
    layout = slots.seat(SYMBOLS[:8], [], rooms(6), 1)
    assert symbols(layout) == set(SYMBOLS[:6])
    assert slots.cut == ("S06", "S07")


def test_a_place_is_kept_while_it_is_not_far_behind():
    slots = Slots(policy(slack=3))
    slots.seat([], SYMBOLS[:5], rooms(5, topics=TOPICS[:1]), 0)
    late = 10 * MINUTE
    near = [*SYMBOLS[10:13], *SYMBOLS[:5]]  # S04 fell to place 7 of 5 + 3
    assert symbols(slots.seat([], near, rooms(5, topics=TOPICS[:1]), late)) == set(SYMBOLS[:5])
    far = [*SYMBOLS[10:14], *SYMBOLS[:5]]
    assert symbols(slots.seat([], far, rooms(5, topics=TOPICS[:1]), late)) == {"S10", *SYMBOLS[:4]}


def test_nobody_loses_a_place_before_its_time():
    slots = Slots(policy(min_stay_s=120.0, slack=0))
    slots.seat([], SYMBOLS[:5], rooms(5), 0)
    assert symbols(slots.seat([], SYMBOLS[10:15], rooms(5), 119_999)) == set(SYMBOLS[:5])
    assert slots.lingering == set(SYMBOLS[:5])
    assert slots.cut == tuple(SYMBOLS[10:15])
    assert symbols(slots.seat([], SYMBOLS[10:15], rooms(5), 120_000)) == set(SYMBOLS[10:15])
    assert slots.lingering == frozenset()


def test_few_places_change_hands_in_a_minute():
    slots = Slots(policy(min_stay_s=0.0, slack=0, churn_per_min=2))
    one = rooms(6, topics=TOPICS[:1])
    slots.seat([], SYMBOLS[:6], one, 0)
    assert symbols(slots.seat([], SYMBOLS[10:16], one, 1_000)) == {"S10", "S11", *SYMBOLS[:4]}
    assert symbols(slots.seat([], SYMBOLS[10:16], one, 30_000)) == {"S10", "S11", *SYMBOLS[:4]}
    assert symbols(slots.seat([], SYMBOLS[10:16], one, 61_000)) == {*SYMBOLS[10:14], *SYMBOLS[:2]}
    assert symbols(slots.seat([], SYMBOLS[10:16], one, 121_000)) == set(SYMBOLS[10:16])


def swapped(slots, room, at):
    """Places that change hands at once when nothing but new symbols is wanted."""
    before = symbols(slots.seat([], SYMBOLS[:8], room, at))
    return len(before - symbols(slots.seat([], SYMBOLS[15:], room, at)))


def test_filling_up_after_the_open_uses_nothing_of_what_may_be_given_up_in_a_minute():
    """Targets come a few at a time; what the first had beside their trades makes room for the others."""
    slots = Slots(policy(min_stay_s=0.0, slack=0, churn_per_min=2))
    room = rooms(8, always=())
    first = slots.seat([], SYMBOLS[:2], room, 0)
    assert len(first[0]) == 6
    assert len(slots.seat([], SYMBOLS[:8], room, 1_000)[0]) == 8
    assert symbols(slots.seat([], SYMBOLS[:8], room, 2_000), Topic.BOOK) == set()
    assert swapped(slots, room, 3_000) == 2


def test_places_that_the_venue_takes_away_and_gives_back_are_not_given_up():
    """After a reconnect it may count the old session's registrations for a while, so a smaller cap is learned."""
    slots = Slots(policy(min_stay_s=0.0, slack=0, churn_per_min=2))
    slots.seat([], SYMBOLS[:8], rooms(8), 0)
    for step, cap in enumerate((3, 5, 0, 8)):
        assert len(symbols(slots.seat([], SYMBOLS[:8], rooms(cap), step * 1_000))) == cap
    assert swapped(slots, rooms(8), 5_000) == 2


def test_a_place_that_a_held_symbol_took_counts_among_those_given_up():
    slots = Slots(policy(min_stay_s=0.0, slack=0, churn_per_min=2))
    room = rooms(8, topics=TOPICS[:1])
    slots.seat([], SYMBOLS[:8], room, 0)
    slots.seat(["S20"], SYMBOLS[:8], room, 1_000)
    later = symbols(slots.seat(["S20"], SYMBOLS[10:18], room, 2_000))
    assert len(later.difference(SYMBOLS[10:18], ["S20"])) == 6


def test_one_that_fell_behind_stays_while_nobody_better_needs_its_place():
    slots = Slots(policy(min_stay_s=0.0, slack=0))
    slots.seat([], SYMBOLS[:3], rooms(3, topics=TOPICS[:1]), 0)
    layout = slots.seat([], ["S00", "S01", "S09", "S02"], rooms(4, topics=TOPICS[:1]), 1)
    assert symbols(layout) == {"S00", "S01", "S02", "S09"}


def test_several_keys_are_several_connections_and_nobody_moves():
    """D5"""
    slots = Slots(policy())
    layout = slots.seat(["S00"], SYMBOLS[:6], rooms(7, 5), 0)
    assert {link: len(channels) for link, channels in layout.items()} == {0: 7, 1: 5}
    homes = {channel.symbol: link for link, channels in layout.items() for channel in channels}
    later = slots.seat(["S00", "S03"], SYMBOLS[:8], rooms(7, 5), MINUTE)
    for link, channels in later.items():
        assert all(homes.get(channel.symbol, link) == link for channel in channels)
    assert all(len({link for link, cs in later.items() for c in cs if c.symbol == s}) <= 1 for s in SYMBOLS)


def test_one_moves_only_where_a_held_one_needs_its_place():
    slots = Slots(policy())
    one = TOPICS[:1]
    slots.seat([], ["S00", "S01"], {0: Room(1, one), 1: Room(1, one), 2: Room(1, ())}, 0)
    layout = slots.seat(["S09"], ["S00", "S01"], {0: Room(1, one), 1: Room(2, one), 2: Room(1, ())}, 1)
    assert symbols(layout) == {"S00", "S01", "S09"}
    moved = slots.seat(["S09", "S00", "S01", "S08"], [], {0: Room(2, one), 1: Room(2, one)}, 2)
    assert symbols(moved) == {"S00", "S01", "S08", "S09"}


def test_a_connection_that_lost_its_room_gives_its_symbols_to_the_others():
    slots = Slots(policy())
    slots.seat([], SYMBOLS[:4], rooms(2, 2, topics=TOPICS[:1]), 0)
    layout = slots.seat([], SYMBOLS[:4], rooms(0, 4, topics=TOPICS[:1]), 1)
    assert symbols(layout) == set(SYMBOLS[:4])
    assert layout[0] == ()


def test_a_connection_for_notices_carries_nothing_else():
    slots = Slots(policy())
    layout = slots.seat(["S00"], ["S01"], {0: Room(41, TOPICS), 1: Room(41, (), (NOTICES,))}, 0)
    assert layout[1] == (NOTICES,)
    assert symbols(layout) == {"S00", "S01"}


def test_connections_may_serve_different_topics():
    slots = Slots(policy())
    layout = slots.seat(["S00", "S01"], [], {0: Room(2, TOPICS[:1]), 1: Room(9, TOPICS)}, 0)
    assert symbols(layout) == {"S00", "S01"}
    assert symbols(layout, Topic.BOOK) == {c.symbol for c in layout[1]}
    assert len([c for c in layout[0] if c.topic is not Topic.TRADE]) == 0


def test_a_smaller_room_cuts_the_worst_and_a_detail_is_passed_on():
    slots = Slots(policy())
    slots.seat([], SYMBOLS[:6], rooms(6, topics=TOPICS[:1]), 0)
    layout = slots.seat([], SYMBOLS[:6], {0: Room(3, TOPICS[:1], (), {"trade": "UN"})}, 1)
    assert layout == {0: tuple(Channel(Topic.TRADE, symbol, "UN") for symbol in SYMBOLS[:3])}


def test_no_connection_is_no_place():
    slots = Slots(policy())
    assert slots.seat(["S00"], ["S01"], {}, 0) == {}
    assert slots.cut == ("S00", "S01")


steps = st.lists(
    st.tuples(
        st.lists(st.sampled_from(SYMBOLS[:12]), max_size=4, unique=True),
        st.permutations(SYMBOLS[:12]).flatmap(lambda order: st.integers(0, 12).map(lambda cut: order[:cut])),
        st.lists(st.integers(0, 9), min_size=1, max_size=3),
        st.integers(0, 200_000),
    ),
    min_size=1,
    max_size=25,
)


@given(steps=steps)
@settings(max_examples=300, deadline=None)
def test_whatever_is_wanted_no_connection_is_overfull_and_the_firm_are_first(steps):
    slots, at = Slots(policy()), 0
    for firm, ranked, counts, pause in steps:
        at += pause
        given_rooms = rooms(*counts, always=(NOTICES,))
        layout = slots.seat(firm, ranked, given_rooms, at)
        for link, channels in layout.items():
            assert len(channels) == len(set(channels))
            assert len(channels) <= max(counts[link], 1)
            assert channels[0] == NOTICES
        seated = symbols(layout)
        assert set(slots.cut) == {*firm, *ranked} - seated
        assert slots.lingering == seated - {*firm, *ranked}
        if set(firm) - seated:
            assert not seated - set(firm)
        if slots.cut and not slots.lingering:
            assert sum(map(len, layout.values())) == sum(max(count, 1) for count in counts)
        assert slots.seat(firm, ranked, given_rooms, at) == layout


@given(orders=st.lists(st.permutations(SYMBOLS[:15]), min_size=5, max_size=60))
@settings(max_examples=100, deadline=None)
def test_however_the_ranking_dances_few_registrations_are_given_up(orders):
    """Repeated subscribe loops get a key blocked: the budget holds in every minute, whatever the scores do."""
    slots, changes, before = Slots(policy(min_stay_s=5.0, churn_per_min=6)), [], set()
    for step, order in enumerate(orders):
        at = step * 2_000
        layout = slots.seat([], order, rooms(11, topics=TOPICS[:1], always=(NOTICES,)), at)
        now = set(layout[0])
        changes += [at] * len(before - now)
        before = now
    for start in changes:
        assert sum(start <= at < start + MINUTE for at in changes) <= 6
