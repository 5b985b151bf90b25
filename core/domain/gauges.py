"""The indicators kept on one candle series (D8), moved together when a candle closes."""

from core.domain.indicators import Atr, Ema, Rsi, Sma
from core.domain.policies import ExitPolicy, IndicatorPolicy
from core.domain.values import MINUTE, Millis


class Gauges:
    """EMA fast and slow, RSI, moving average (for the disparity), ATR, and the average the trend exit looks at.

    The last is the moving average itself where both are of the same length, as they are by default.
    """

    __slots__ = ("_by_close", "_policy", "_trend_length", "atr", "fast", "mean", "rsi", "slow", "trend")

    def __init__(self, policy: IndicatorPolicy, trend_length: int) -> None:
        self._policy, self._trend_length = policy, trend_length
        self.reset()

    def reset(self) -> None:
        """Forget every bar."""
        policy = self._policy
        self.fast, self.slow = Ema(policy.ema_fast), Ema(policy.ema_slow)
        self.rsi, self.atr = Rsi(policy.rsi), Atr(policy.atr)
        self.mean = self.trend = Sma(policy.disparity)
        self._by_close: tuple[Ema | Rsi | Sma, ...] = (self.fast, self.slow, self.rsi, self.mean)
        if self._trend_length != policy.disparity:
            self.trend = Sma(self._trend_length)
            self._by_close += (self.trend,)

    def update(self, high: float, low: float, close: float) -> None:
        """A candle closed."""
        for gauge in self._by_close:
            gauge.update(close)
        self.atr.update(high, low, close)

    def amend(self, was: float, high: float, low: float, close: float) -> None:
        """The candle that closed last has changed; its close was told as `was`."""
        for gauge in self._by_close:
            gauge.amend(was, close)
        self.atr.amend(high, low, close)


def trend_span(policy: ExitPolicy) -> Millis:
    """Candle length of the trend exit's moving average."""
    return Millis(policy.trend_span * MINUTE)
