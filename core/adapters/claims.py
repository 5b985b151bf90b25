"""What both ways of asking a venue about an order share: an answer that may be open, and a number that becomes ours."""

from typing import TypeVar

from msgspec.structs import replace

from core.adapters.order_line import OrderLine
from core.app.ports import Sendings
from core.domain.errors import Refused, UnknownOutcome, WireSurprise
from core.domain.sendings import Fate, Sending
from core.venues.flow import Flow

T = TypeVar("T")


def asked(line: OrderLine, flow: Flow[T]) -> T:
    """An answer that does not read leaves the question open: UnknownOutcome, as no answer would. Raises Transient."""
    try:
        return line.ask(flow)
    except (WireSurprise, Refused) as trouble:
        raise UnknownOutcome(trouble.found, **trouble.facts) from trouble


def claimed(sendings: Sendings, sending: Sending, venue_id: str, identity: str) -> Sending | None:
    """The sending with its number, and the number ours; None where it is another's, or someone was quicker.

    One that was given up while its request was on its way is taken all the same: the venue has it.
    """
    taken = replace(sending, fate=Fate.TAKEN, venue_id=venue_id, version=sending.version + 1)
    if sendings.claim(taken, identity):
        return taken
    now = sendings.read(sending.order)
    if now is not None and now.fate is Fate.UNSENT and now.version > sending.version:
        return claimed(sendings, now, venue_id, identity)
    return now if now is not None and now.fate is Fate.TAKEN else None
