"""One way to call the tables that money depends on: our own few retries, the same request each time.

botocore's own retries are off on this path: a retry that we do not see is a write whose reply was lost unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from core.adapters.dynamo.expressions import Request
from core.domain.errors import Transient

CONFIG: Final = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=2, max_pool_connections=10)
"""For `boto3.client("dynamodb", config=CONFIG)`: one attempt, 1 s to connect, 2 s to answer."""

TRIES = 3
"""Of a request that nobody answered, or that was told to come later."""

CONFLICTS = 8
"""Of a transaction that met another one: nothing was written, and the other one is done in a moment."""

PAUSE_S = 0.03

LATER = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
    }
)
MET = frozenset({"TransactionConflict", "TransactionConflictException", "TransactionInProgressException"})
SLOW = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded"})

Pause = Callable[[float], None]
Dice = Callable[[], float]


class Caller:
    """`pause` waits seconds; `dice` gives 0..1, so that two who met do not meet again."""

    def __init__(self, pause: Pause, dice: Dice) -> None:
        self._pause = pause
        self._dice = dice

    def __call__(self, call: Callable[..., Any], request: Request) -> Any:
        """The reply. Raises ClientError for a verdict of the store, Transient where it gave none in all tries."""
        unanswered = met = 0
        while True:
            try:
                return call(**request)
            except (HTTPClientError, NoConnection) as silence:
                unanswered, trouble = unanswered + 1, repr(silence)
            except ClientError as refused:
                match kind(refused):
                    case "met":
                        met, trouble = met + 1, str(refused)
                    case "later":
                        unanswered, trouble = unanswered + 1, str(refused)
                    case _:
                        raise
            if unanswered >= TRIES or met >= CONFLICTS:
                raise Transient("the table did not answer", why=trouble)
            self._pause(PAUSE_S * (unanswered + met) * (0.5 + self._dice()))


def kind(refused: ClientError) -> str:
    """Is it a verdict, or should the same be asked again: "verdict", "met" (another transaction), "later"."""
    code = refused.response.get("Error", {}).get("Code", "")
    status = refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "TransactionCanceledException":
        codes = {reason.get("Code") for reason in reasons(refused)}
        if "ConditionalCheckFailed" in codes:
            return "verdict"
        return "met" if codes & MET else "later" if codes & SLOW else "verdict"
    if code in MET:
        return "met"
    return "later" if code in LATER or status >= 500 else "verdict"


def reasons(refused: ClientError) -> list[dict[str, Any]]:
    """Why each leg of a cancelled transaction failed; "None" for those that did not."""
    response: dict[str, Any] = dict(refused.response)
    return list(response.get("CancellationReasons", []))


def old_item(refused: ClientError) -> dict[str, Any] | None:
    """The item as it stood when the condition failed; None where there was none."""
    response: dict[str, Any] = dict(refused.response)
    return response.get("Item")


def is_cancelled(refused: ClientError) -> bool:
    return bool(refused.response.get("Error", {}).get("Code") == "TransactionCanceledException")


def is_condition(refused: ClientError) -> bool:
    return bool(refused.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException")
