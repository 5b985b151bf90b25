"""Why a symbol was bought, or was not: every gate on its way, with the number and the limit (E7, issue 4).

Nothing is decided here and nothing is asked of a venue: the same levels, locks and books are read that those who decide
read, so the answer is as old as they are.
"""

from __future__ import annotations

import msgspec

from core.app.gates.bought import bought
from core.app.gates.facts import Facts, Gate, Mark
from core.app.gates.listed import listed
from core.app.gates.streamed import streamed
from core.domain.values import Instrument, Millis


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """`verdict` says it in one sentence; `stopped` names the first gate that is shut, "" where none is."""

    instrument: Instrument
    name: str
    at: Millis
    verdict: str
    stopped: str
    gates: tuple[Gate, ...]


def why(facts: Facts) -> Chain:
    """The whole chain of one symbol, in the order in which it is gone through."""
    gates = (*listed(facts), *streamed(facts), *bought(facts))
    shut = next((gate for gate in gates if gate.mark is Mark.STOP), None)
    return Chain(
        instrument=facts.instrument,
        name=facts.safe.names.get(facts.symbol, "") if facts.safe else "",
        at=facts.at,
        verdict=_verdict(gates, shut),
        stopped=shut.name if shut else "",
        gates=gates,
    )


def _verdict(gates: tuple[Gate, ...], shut: Gate | None) -> str:
    held = next((gate for gate in gates if gate.name == "position"), None)
    if held is not None:
        return f"held: {held.detail}"
    if shut is not None:
        return f"cannot be bought: {_said(shut)}"
    waiting = next((gate for gate in gates if gate.mark is Mark.WAIT), None)
    return f"may be bought, and waits: {_said(waiting)}" if waiting else "nothing stands in its way: a worker buys it"


def _said(gate: Gate) -> str:
    return f"{gate.name}: {gate.found}" + (f" (limit {gate.limit})" if gate.limit else "")
