"""Every minute, and once more within it where an earlier pass asked for that (mode B): one look at the universe (B)."""

from typing import Any

import msgspec

from core.adapters.passes import Pass
from core.adapters.wiring import Wiring
from core.app.scan import Scanned, Scanning, run
from core.domain.values import Market
from functions._runtime import Event, Job

job = Job("batch_scan", period_s=60)


@job.log.inject_lambda_context
def handler(event: Event, context: Any) -> Event:
    if "Records" not in event:
        return job.every_market(event, lambda wiring, market: scan(wiring, market, second=False), well=sighted)
    wiring = job.begin()
    for record in event["Records"]:
        scan(wiring, msgspec.json.decode(record["body"], type=Pass).market, second=True)
    return {"batchItemFailures": []}


def sighted(done: Scanned) -> bool:
    """A venue that does not answer raises nothing here: the scan waits longer, in safe mode, and nothing is bought."""
    return not done.safe_mode


def scan(wiring: Wiring, market: Market, *, second: bool) -> Scanned:
    done = run(wiring.lookout(market), wiring.passes, second=second)
    job.told("scan", market, done, second=second)
    scanned, failed = done.outcome is Scanning.SCANNED, done.outcome is Scanning.FAILED
    job.count(market, Scans=scanned, ScanFailures=failed, TargetsChanged=done.targets_changed)
    return done
