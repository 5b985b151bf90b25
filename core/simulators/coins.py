"""What a simulated market lists: names, prices and habits that look like Upbit's in 2025."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Coin:
    """One listed pair.

    price    quote currency per unit around which it moves
    value    quote currency traded on an ordinary day
    rate     trades a second
    spread   steps between best bid and best ask
    depth    levels of its book that hold anything, at most 30
    restless chance that its book changes within 100 ms
    flags    official warnings it carries from the start
    """

    symbol: str
    korean: str
    english: str
    price: float
    value: float
    rate: float
    spread: int = 1
    depth: int = 30
    restless: float = 0.25
    flags: frozenset[str] = frozenset()

    @property
    def quote(self) -> str:
        return self.symbol.partition("-")[0]


# code, Korean name, English name, KRW a unit, billions of KRW a day
MAJOR = """
BTC|비트코인|Bitcoin|143200000|310
XRP|엑스알피|XRP|3915|340
ETH|이더리움|Ethereum|5412000|260
SOL|솔라나|Solana|271500|95
DOGE|도지코인|Dogecoin|312|84
LINK|체인링크|Chainlink|32350|31
AVAX|아발란체|Avalanche|41250|24
NEAR|니어프로토콜|NEAR Protocol|3925|14
APT|앱토스|Aptos|6780|18
SUI|수이|Sui|5245|42
ETC|이더리움클래식|Ethereum Classic|28650|16
CARV|카브|CARV|452|0.02
AQT|알파쿼크|Alpha Quark|1482|6
MOODENG|무뎅|Moo Deng|231|9
ADA|에이다|Cardano|1156|47
TRX|트론|TRON|486|22
XLM|스텔라루멘|Stellar|521|28
HBAR|헤데라|Hedera|332|26
BCH|비트코인캐시|Bitcoin Cash|842500|15
LTC|라이트코인|Litecoin|161300|13
DOT|폴카닷|Polkadot|5620|11
AAVE|에이브|Aave|412300|10
UNI|유니스왑|Uniswap|13480|12
ATOM|코스모스|Cosmos|6235|7
SAND|샌드박스|The Sandbox|418|8
MANA|디센트럴랜드|Decentraland|437|6
AXS|엑시인피니티|Axie Infinity|3312|5
ALGO|알고랜드|Algorand|342|9
VET|비체인|VeChain|36.4|6
SHIB|시바이누|Shiba Inu|0.01842|21
PEPE|페페|Pepe|0.01524|33
SEI|세이|Sei|441|12
ARB|아비트럼|Arbitrum|735|14
STX|스택스|Stacks|1043|7
IMX|이뮤터블엑스|Immutable X|812|5
GRT|더그래프|The Graph|138|4
INJ|인젝티브|Injective|19870|6
ONDO|온도파이낸스|Ondo Finance|1394|25
WLD|월드코인|Worldcoin|1482|19
ENS|이더리움네임서비스|Ethereum Name Service|38450|17
"""
WARNED = {
    "AQT": "WARNING",
    "MOODENG": "PRICE_FLUCTUATIONS",
    "STX": "GLOBAL_PRICE_DIFFERENCES",
    "IMX": "GLOBAL_PRICE_DIFFERENCES",
}

# pair, name of its base, quote currency a unit, quote currency a day
MINOR = """
BTC-ETH|ETH|0.03779|9.5
BTC-XRP|XRP|0.00002734|6.1
BTC-SOL|SOL|0.00189600|2.2
USDT-BTC|BTC|103150|940000
USDT-ETH|ETH|3898.2|510000
USDT-XRP|XRP|2.8205|870000
"""
THIN = 1.0
"""Billions of KRW a day under which a pair is thin: few trades, a wide and shallow book."""


def listing(won: int = 40) -> tuple[Coin, ...]:
    """`won` KRW pairs, made up beyond the known ones, and a few BTC and USDT pairs."""
    rows = [row.split("|") for row in MAJOR.split("\n") if row]
    rows += [_made_up(number) for number in range(len(rows), won)]
    pairs = [row.split("|") for row in MINOR.split("\n") if row]
    return (*(_won(*row) for row in rows[:won]), *(_other(*pair) for pair in pairs))


def _won(code: str, korean: str, english: str, price: str, billions: str) -> Coin:
    value = float(billions)
    flags = frozenset({WARNED[code]} if code in WARNED else ())
    habits = {"spread": 2, "depth": 8, "restless": 0.02} if value < THIN else {}
    rate = 0.02 if value < THIN else min(max(value / 20, 0.4), 6.0)
    return Coin(f"KRW-{code}", korean, english, float(price), value * 1e9, rate, flags=flags, **habits)  # type: ignore[arg-type]


def _other(symbol: str, code: str, price: str, value: str) -> Coin:
    names = next(row.split("|") for row in MAJOR.split("\n") if row.startswith(f"{code}|"))
    return Coin(symbol, names[1], names[2], float(price), float(value), 0.1, spread=2, depth=20, restless=0.03)


def _made_up(number: int) -> list[str]:
    price = 1000 + 37 * (number % 1000)
    return [f"T{number:03d}", f"시험{number}", f"Test {number}", str(price), str(1 + number % 9)]
