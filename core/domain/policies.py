"""What the owner may set, as values. Every number in REQUIREMENTS is a field here with its unit and its bounds.

`core/settings/` reads them from one YAML file; the decisions take them as arguments.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from core.domain.phases import Phase

Fraction = Annotated[float, Meta(ge=-1.0, le=1.0)]
Share = Annotated[float, Meta(gt=0.0, le=1.0)]
Seconds = Annotated[float, Meta(ge=0.0)]
Count = Annotated[int, Meta(ge=1)]
Figure = Annotated[float, Meta(ge=0.0)]
Text = Annotated[str, Meta(min_length=1)]
Patience = Annotated[float, Meta(gt=0.0)]
Ladder = Annotated[
    tuple[Patience, ...], Meta(min_length=1, description="one or more pauses above 0 s, as [1, 2, 4, 8]")
]
Hours = Annotated[str, Meta(pattern=r"^(closed|\d\d:[0-5]\d(:[0-5]\d)?-\d\d:[0-5]\d(:[0-5]\d)?)$")]


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every settings section: unknown keys are faults."""


class WhenHeld(StrEnum):
    HOLD = "hold"
    LIQUIDATE = "liquidate"


class WhenRemoved(StrEnum):
    LIQUIDATE = "liquidate"
    KEEP = "keep until exit"


class UniversePolicy(Policy, frozen=True):
    """Which symbols are looked at: all of `quote`, or only `codes` where given (A5). `never` beats `always`.

    busiest how many of today's most traded symbols are looked at too, by the venue's own ranking; 0 for none
    file    a list of symbols beside the settings file, read when they are; "" for the venue's own
    listed  (symbol, name, board) of each row of that file
    """

    quote: Text = "KRW"
    busiest: Annotated[int, Meta(ge=0, le=30)] = 0
    file: str = ""
    listed: tuple[tuple[str, str, str], ...] = ()
    codes: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


class SafetyPolicy(Policy, frozen=True):
    """A1-A4. `exclude` names venue flags; `max_age_s` is when the safe set is too old to buy from.

    By default every flag that a venue warns with, and the kinds of paper that are no ordinary share. A flag that a
    venue does not have excludes nothing there.
    """

    exclude: tuple[str, ...] = (
        "WARNING",
        *("PRICE_FLUCTUATIONS", "TRADING_VOLUME_SOARING", "DEPOSIT_AMOUNT_SOARING", "CONCENTRATION_OF_SMALL_ACCOUNTS"),
        *("MANAGED", "HALTED", "LIQUIDATION_TRADING", "CAUTION", "RISK", "OVERHEATED", "INVESTMENT_CAUTION"),
        *("PREFERRED", "SPAC", "ETF", "ETN"),
        *("NOT_TRADING", "NOT_SPOT", "STABLE"),
    )
    max_age_s: Seconds = 7200.0
    when_held: WhenHeld = WhenHeld.HOLD
    reference_days: Annotated[int, Meta(ge=2, le=200)] = 20
    references_per_run: Count = 120


class ScanPolicy(Policy, frozen=True):
    """B1-B7. `second_pass_s` > 0 asks for a delayed second scan within the minute (mode B)."""

    interval_s: Annotated[float, Meta(ge=1.0)] = 60.0
    second_pass_s: Seconds = 0.0
    max_interval_s: Seconds = 960.0
    batch_size: Count = 50
    pause_s: Seconds = 0.5
    tries: Annotated[int, Meta(ge=1, le=10)] = 5
    min_volume: Figure = 0.0
    min_value: Figure = 100_000_000.0
    max_spread: Fraction = 0.01
    near: Fraction = 0.01
    approach_alerts: bool = True


class RankPolicy(Policy, frozen=True):
    """C1-C5."""

    top_n: Count = 10
    min_symbol_stable_time_s: Seconds = 600.0
    when_removed: WhenRemoved = WhenRemoved.LIQUIDATE
    pause_s: Seconds = 0.2


class Weights(Policy, frozen=True):
    """D3: score = disparity / (abs(disparity - threshold) + eps) + volatility * range + value * log(value)."""

    disparity: Figure = 0.01
    volatility: Figure = 1.0
    value: Figure = 0.02
    eps: Annotated[float, Meta(gt=0.0)] = 0.001


class WatchPolicy(Policy, frozen=True):
    """D2-D4. The last three are for venues that count registrations.

    min_stay_s       a registration is given up for a better one only after this long
    churn_per_min    symbols whose registrations are given up in a minute for better ones, at most
    slack            places by which a symbol may fall behind before it gives its registration up
    """

    max_ws_subs: Count = 20
    subscribe_cooldown_s: Seconds = 180.0
    min_stay_s: Seconds = 120.0
    churn_per_min: Count = 10
    slack: Annotated[int, Meta(ge=0)] = 3
    refresh_s: Annotated[float, Meta(ge=0.2)] = 2.0
    weights: Weights = Weights()


class StreamPolicy(Policy, frozen=True):
    """D5-D7, D11, D13. None keeps the venue's own figure; `details` picks one of the venue's feeds by topic.

    shards   parts that a market's symbols are cut into, shared out over the streamers that run
    lease_s  how long a part stays with a streamer that says nothing any more
    """

    url: Text
    transport: Annotated[str, Meta(pattern="^(picows|websockets)$")] = "picows"
    details: dict[str, str] = {}
    connections: Annotated[int, Meta(ge=1, le=50)] = 5
    per_connection: Annotated[int, Meta(ge=1)] = 100
    mute_s: Seconds | None = None
    stale_s: Seconds | None = None
    ping_s: Seconds | None = None
    backoff_s: Ladder = (1.0, 2.0, 4.0, 8.0)
    outbox: Count = 10_000
    flush_s: Annotated[float, Meta(ge=0.01)] = 0.05
    save_s: Annotated[float, Meta(ge=0.2)] = 2.0
    shards: Annotated[int, Meta(ge=1, le=32)] = 1
    lease_s: Annotated[float, Meta(ge=1.0, le=60.0)] = 6.0
    reconnects_alert: Count = 5


class Environment(StrEnum):
    REAL = "real"
    MOCK = "mock"


class KeyPolicy(Policy, frozen=True):
    """Names (never values) of one app key's secrets, and which of the venue's environments it belongs to.

    algorithm  what each request is signed with where the venue takes more than one; "" for its usual one
    """

    app_key: Text = "kis_app_key"
    app_secret: Text = "kis_app_secret"
    environment: Environment = Environment.REAL
    algorithm: str = ""


class AccountPolicy(Policy, frozen=True):
    """Where orders go when they go to a venue: its address, the key, and the names of the account's secrets.

    The defaults are KIS's; core/settings/document.py lays the other markets' under what the file says.

    number  secret with what names the account to its owner: its number at KIS, the access key at Upbit and Binance
    hts_id  secret with the id that own-order notices are registered under
    exchange  where orders go where the venue knows more than one: KRX, NXT or SOR at KIS; "" for its usual one
    """

    url: Text
    stream_url: str = ""
    key: KeyPolicy = KeyPolicy(
        app_key="kis_mock_app_key", app_secret="kis_mock_app_secret", environment=Environment.MOCK
    )
    number: Text = "kis_account"
    hts_id: Text = "kis_hts_id"
    exchange: str = ""


class RestPolicy(Policy, frozen=True):
    """B2, B3. `limits` overrides the venue's calls per second by rate-limit group.

    headroom  the part of each limit that all calls share; of the rest one process at a time may take some for trades
    """

    url: Text
    limits: dict[str, Annotated[float, Meta(gt=0.0)]] = {}
    headroom: Share = 0.8
    connect_s: Patience = 3.0
    read_s: Patience = 10.0
    backoff_s: Ladder = (0.5, 1.0, 2.0, 4.0)


class DataPolicy(Policy, frozen=True):
    """D14-D16. How one answer is made of REST and stream.

    ttl_s         how long an answer of REST is good for
    stream_ttl_s  how long what the stream told is, while its line is up: a quiet symbol has not changed
    apart         share by which REST and stream may differ at the same time before it is counted
    patience_s    how long the stream is waited for where it alone may answer
    linger_s      a symbol stays subscribed for this long after the last who wanted it
    """

    ttl_s: Annotated[float, Meta(gt=0.0)] = 2.0
    stream_ttl_s: Annotated[float, Meta(gt=0.0)] = 30.0
    apart: Share = 0.01
    patience_s: Patience = 5.0
    linger_s: Seconds = 30.0


class IndicatorPolicy(Policy, frozen=True):
    """D8. Lengths in bars; each indicator is kept on 1m, 5m and 1h.

    ticks   most trades kept of each symbol, 24 bytes each: those of the last ten seconds, as far as there is room
    warmup  bars of the venue's history that indicators begin with; how many stay, `core/domain/backlog.py` says
    """

    ema_fast: Count = 12
    ema_slow: Count = 26
    rsi: Annotated[int, Meta(ge=2)] = 14
    disparity: Annotated[int, Meta(ge=2)] = 20
    atr: Count = 14
    ticks: Annotated[int, Meta(ge=10, le=1000)] = 256
    warmup: Annotated[int, Meta(ge=0, le=400)] = 200


class RulePolicy(Policy, frozen=True):
    """D10: one named rule. `kind` picks the plug-in, `params` are its own; `all_of` composes others by name."""

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,31}$")]
    kind: Text
    params: dict[str, float | str] = {}
    all_of: tuple[str, ...] = ()
    enabled: bool = True
    expires_s: Annotated[float, Meta(gt=0.0)] = 30.0


class ExitPolicy(Policy, frozen=True):
    """E4. Fractions are of the entry price; 0 switches one off. `trend_span` is the average's candle in minutes."""

    stop_loss: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.03
    take_profit: Figure = 0.05
    trend: bool = True
    trend_length: Annotated[int, Meta(ge=2)] = 20
    trend_span: Annotated[int, Meta(ge=1)] = 5
    trend_grace_s: Seconds = 600.0
    max_hold_s: Seconds = 0.0
    close_before_s: Seconds = 0.0
    repeat_s: Annotated[float, Meta(ge=1.0)] = 10.0


class WorkerPolicy(Policy, frozen=True):
    """E2: how many workers a market has and what each may spend, in quote currency."""

    count: Annotated[int, Meta(ge=1, le=200)] = 4
    capital: Decimal = Decimal("1000000")


class RiskPolicy(Policy, frozen=True):
    """E7, in quote currency. Checked in the same transaction that takes the capital.

    unrealised         what open positions stand to lose counts towards the daily loss as well, as the sweep last saw
                       it: a minute ago as a rule, three at most, else nothing is bought. What falls or is bought after
                       that look is not in it, so the day may pass its limit by what `max_positions` lose in that time
    currency_exposure  limit over all markets with the same quote currency; None for none
    loss_streak        that many positions lost one after the other stop buys until the day's end, 0 for never
    streak_pause_s     they stop them only for this long after the last loss; 0 = until the day's end
    symbol_cooldown_s  a symbol is not bought again for this long after a position of it was lost
    """

    daily_loss: Decimal = Decimal("300000")
    per_symbol: Decimal = Decimal("1000000")
    total_exposure: Decimal = Decimal("4000000")
    max_positions: Count = 4
    max_slippage: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.01
    only_top_n: bool = False
    unrealised: bool = False
    currency_exposure: Decimal | None = None
    loss_streak: Annotated[int, Meta(ge=0)] = 0
    streak_pause_s: Seconds = 0.0
    symbol_cooldown_s: Seconds = 0.0


class Booking(StrEnum):
    """How a venue that keeps whole units of its currency books a fraction of one."""

    NEAREST = "nearest"
    DOWN = "down"
    EXACT = "exact"


class TermsPolicy(Policy, frozen=True):
    """What this account pays and which prices it may name, where that is not as in the venue's own table (None).

    fee, fund_fee   fraction of the traded value, for shares and for funds and notes
    booking         what is booked of an order's fee and tax (140 for 139.82 was seen at KIS; the rule is not published)
    funds_taxed     funds and notes pay the sell tax of shares too
    fine_funds      funds and notes have the smaller price step under 2,000
    """

    fee: Share | None = None
    fund_fee: Share | None = None
    booking: Booking = Booking.NEAREST
    funds_taxed: bool = False
    fine_funds: bool = True


class DayPolicy(Policy, frozen=True):
    """When the market's day ends (KST, HH:MM or HH:MM:SS) and whether everything is sold before its close (E6).

    liquidate_depths  how far under the newest price a sale before the close may go, as fractions, one step after the
                      other: 0.002 is at the market (one price step at least), 0.01 deeper; after the last it is sold
                      at any price. Nothing ([]) sells at any price at once
    liquidate_step_s  each step lasts that long at most; an attempt that did not sell all goes on to the next at once
    ends       where a day is cut; a market with hours of its own cuts it after its close, never before
    liquidate  None keeps the market's own habit: shares are sold before the close, a market without one holds on
    trade_in   phases that are traded in, on a market that has them; its closing auction belongs to the regular one
    hours      what no table knows, by day: "10:00-15:30", or "closed"; 24:10 lies in the next day
    auction_s  length of the closing auction; None is the market's own
    settle_s   a market with hours cuts its day this long after the close at the earliest; None is the market's own
    """

    ends: Annotated[
        str,
        Meta(
            pattern=r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$",
            description='a time of day from "00:00" to "23:59", or with seconds; midnight is "00:00"',
        ),
    ] = "09:00"
    liquidate: bool | None = None
    liquidate_before_s: Seconds = 900.0
    thin_before_s: Seconds = 1500.0
    thin_value: Figure = 1_000_000_000.0
    liquidate_depths: tuple[Annotated[float, Meta(ge=0.0, lt=1.0)], ...] = (0.002, 0.01)
    liquidate_step_s: Seconds = 30.0
    trade_in: tuple[Phase, ...] = (Phase.REGULAR,)
    hours: dict[Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")], Hours] = {}
    auction_s: Seconds | None = None
    settle_s: Seconds | None = None


class ByHand(StrEnum):
    TELL = "tell"
    ADOPT = "adopt"
    IGNORE = "ignore"


class Strays(StrEnum):
    TELL = "tell"
    SETTLE = "settle"


class SweepPolicy(Policy, frozen=True):
    """E8. A streamer silent for longer than `silent_s` makes the sweep watch the exits itself.

    by_hand  what becomes of units that a person bought or sold at the venue: told only, or made ours (a position with
             an owner and exits, or a sale at the last price), or left to the person. What was sold and left to the
             person is booked as sold all the same: there is nothing any more that an exit could sell
    strays   orders that no lock is about: settled with the venue (what is still open there is cancelled), or told only
    """

    silent_s: Annotated[float, Meta(ge=1.0)] = 20.0
    by_hand: ByHand = ByHand.TELL
    strays: Strays = Strays.SETTLE


class ResultsPolicy(Policy, frozen=True):
    """G2: how the results of markets with several currencies are told.

    currency  what everything is converted to; "" leaves the currencies side by side
    rates     how much of it one unit of each other currency is, as {USDT: 1380}
    """

    currency: str = ""
    rates: dict[str, Patience] = {}


class TelegramPolicy(Policy, frozen=True):
    url: Text = "https://api.telegram.org"
    chat: str | int = ""
    secret: Text = "telegram_token"


class DiscordPolicy(Policy, frozen=True):
    """`secret` names the webhook's address, which is itself the key."""

    secret: Text = "discord_webhook"


class NotifyPolicy(Policy, frozen=True):
    """F1-F4."""

    channels: tuple[Annotated[str, Meta(pattern="^(log|telegram|discord)$")], ...] = ("log",)
    cooldown_s: Seconds = 600.0
    charts: bool = True
    telegram: TelegramPolicy = TelegramPolicy()
    discord: DiscordPolicy = DiscordPolicy()


class MarketPolicy(Policy, frozen=True, kw_only=True):
    """Everything about one market. The fields without a default are the venue's own addresses."""

    enabled: bool = True
    rest: RestPolicy
    stream: StreamPolicy
    universe: UniversePolicy = UniversePolicy()
    safety: SafetyPolicy = SafetyPolicy()
    scan: ScanPolicy = ScanPolicy()
    rank: RankPolicy = RankPolicy()
    watch: WatchPolicy = WatchPolicy()
    indicators: IndicatorPolicy = IndicatorPolicy()
    keys: tuple[KeyPolicy, ...] = ()
    account: AccountPolicy | None = None
    rules: tuple[RulePolicy, ...] = ()
    exits: ExitPolicy = ExitPolicy()
    workers: WorkerPolicy = WorkerPolicy()
    risk: RiskPolicy = RiskPolicy()
    day: DayPolicy = DayPolicy()
    terms: TermsPolicy = TermsPolicy()
    sweep: SweepPolicy = SweepPolicy()
    data: DataPolicy = DataPolicy()
