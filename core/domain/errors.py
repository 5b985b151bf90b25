"""
An error's class says what the loop does; its text says what the person does.

CoreError
├── Misconfigured     stop at boot; a person fixes settings
├── Transient         try again after a pause
│   ├── RateLimited   try again after the pause the venue asked for
│   ├── Unreached     nothing left this machine: as if it had never been asked
│   ├── CircuitOpen   it has failed too often: not asked at all for a moment
│   └── KeyExpired    the token is not accepted any more: renewed once, then tried again
├── Refused           never again; tell a person why
│   ├── WrongEnvironment       key, address and question belong to different environments
│   ├── OrderExecutionError    a venue refused an order
│   ├── PositionError          a position is not what the caller took it for
│   ├── WorkerError            a move that the worker's life does not allow
│   └── WorkerTerminationError a worker could not be stopped cleanly
├── UnknownOutcome    never again blindly; ask the venue first
│   └── IdUsed        the venue has had this client order id before: look for the order that has it
├── WireSurprise      set the frame aside, keep running, tell a developer
└── Superseded        someone else holds the work; stop in silence
    └── LockAcquisitionError   someone else holds the symbol
"""


class CoreError(Exception):
    """What was found, then what to do about it. `facts` are shown in the text and kept as attributes."""

    remedy = ""

    def __init__(self, found: str, **facts: object) -> None:
        super().__init__(found)
        self.found = found
        self.facts = facts

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        sentence = f"{self.found} ({shown})." if shown else f"{self.found}."
        return f"{sentence} {self.remedy}".rstrip()


class Misconfigured(CoreError):
    remedy = "Mend settings.yaml and run `hoga check`."


class Transient(CoreError):
    remedy = "It is tried again by itself."


class RateLimited(Transient):
    """`after_ms` is the pause the venue asked for, or None where it named none."""

    remedy = "It is tried again after a pause; lower the market's `limits` if it keeps happening."

    def __init__(self, found: str, *, after_ms: int | None = None, **facts: object) -> None:
        super().__init__(found, **facts)
        self.after_ms = after_ms


class Unreached(Transient):
    """No connection came about, so the other side has seen nothing of it."""


class CircuitOpen(Transient):
    remedy = "Nothing is asked for a moment; a probe closes the circuit as soon as the venue answers."


class KeyExpired(Transient):
    """Refused at the door, so nothing was carried out: the same may be sent again with another token."""


class Refused(CoreError):
    remedy = "It is not tried again: the other side's answer says what to change."


class WrongEnvironment(Refused):
    remedy = (
        "Real and mock keys work at their own addresses only: mend the market's `rest.url` and `keys[].environment` "
        "(or `account.url` and `account.key.environment`) in settings.yaml, or store the other environment's secrets."
    )


class OrderExecutionError(Refused):
    remedy = "Nothing was bought or sold. Read the venue's reason; `hoga orders` shows the order."


class PositionError(Refused):
    remedy = "Run `hoga positions` to see what is held."


class WorkerError(Refused):
    remedy = "Run `hoga workers` to see each worker's state."


class WorkerTerminationError(Refused):
    remedy = "Run `hoga locks list`: a lock may still be held until its lease ends."


class UnknownOutcome(CoreError):
    remedy = "Do not resend: the sweep asks the venue within a minute and settles it. `hoga orders` shows it."


class IdUsed(UnknownOutcome):
    """Nothing was done now: an earlier sending under the same id was, or used the id up without an order."""


class WireSurprise(CoreError):
    remedy = "Save the frame under tests/wire/ and add the case to the venue's decoder."


class Superseded(CoreError):
    remedy = "Nothing to do: whoever holds it carries on."


class LockAcquisitionError(Superseded):
    remedy = "Nothing to do: the holder carries on, and an abandoned lock is taken over when its lease ends."
