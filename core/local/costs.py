"""What a month of these settings costs on AWS, line by line, from `template.yaml` and `infra/prices.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import yaml

from core.domain.errors import Misconfigured
from core.domain.values import Millis
from core.local.schedules import schedules
from core.local.template import ROOT, Json, functions, load
from core.local.usage import MONTH_H, Opened, Wish, opened, runs_of, seconds_of, streaming_hours, units
from core.settings import Settings


class Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """infra/prices.yaml."""

    dated: str
    prices: dict[str, float]
    free: dict[str, float]
    habits: Json


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the month's bill, US dollars. `of` says in words what was counted."""

    name: str
    usd: float
    of: str


def book(path: Path = ROOT / "infra" / "prices.yaml") -> Book:
    """Raises Misconfigured where the file does not read."""
    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), type=Book)
    except (OSError, yaml.YAMLError, msgspec.ValidationError) as fault:
        raise Misconfigured("the list of prices does not read", file=path, why=fault) from fault


def lines(settings: Settings, wish: Wish, prices: Book, at: Millis) -> list[Cost]:
    """The month's bill, the largest line first. Raises Misconfigured where the price list lacks a name."""
    found = opened(settings, at)
    try:
        made = [cost for cost in _all(found, wish, prices, load()) if cost.usd > 0]
    except KeyError as missing:
        raise Misconfigured("the list of prices lacks a name", name=missing) from missing
    return sorted(made, key=lambda cost: -cost.usd)


def _all(found: list[Opened], wish: Wish, prices: Book, template: Json) -> Iterator[Cost]:
    free = prices.free if wish.free_tier else {}
    planned = schedules(functions(template))
    runs = {schedule.function: 0.0 for schedule in planned}
    for schedule in planned:
        runs[schedule.function] += runs_of(schedule)
    yield from _streamer(found, wish, prices)
    yield from _functions(found, wish, prices, free, runs, functions(template))
    yield _tables(found, wish, prices)
    yield _queues(found, wish, prices, free, functions(template))
    yield _priced(
        "Scheduler", sum(runs.values()), free.get("scheduler", 0), prices.prices["scheduler_million"] / 1e6, "calls"
    )
    yield from _watching(found, wish, prices, free, sum(runs.values()))
    if wish.egress:
        yield _egress(prices)


def _streamer(found: list[Opened], wish: Wish, prices: Book) -> Iterator[Cost]:
    hours, cost = streaming_hours(wish), prices.prices
    task = hours * (0.25 * cost["fargate_arm_vcpu_hour"] + 0.5 * cost["fargate_arm_gb_hour"])
    yield Cost(name="Fargate: streamer", usd=task, of=f"{hours:.0f} h of 0.25 vCPU and 0.5 GB, arm64")
    yield Cost(name="Public address", usd=hours * cost["public_ipv4_hour"], of=f"{hours:.0f} h")
    yield Cost(name="Image store", usd=5 * 0.045 * cost["ecr_gb_month"], of="five images of 45 MB, packed")


def _functions(
    found: list[Opened], wish: Wish, prices: Book, free: dict[str, float], runs: dict[str, float], bodies: Json
) -> Iterator[Cost]:
    """Scheduled runs, idle and busy, and those that queues cause."""
    habits, requests, gb_s = prices.habits, 0.0, 0.0
    for name, body in bodies.items():
        file, gb = body["Handler"].split(".")[1], body.get("MemorySize", 256) / 1024
        count, seconds = seconds_of(file, runs.get(name, 0.0), found, wish, habits)
        requests, gb_s = requests + count, gb_s + seconds * gb
    cost = prices.prices
    yield _priced("Lambda: time", gb_s, free.get("lambda_gb_seconds", 0), cost["lambda_arm_gb_second"], "GB-s")
    yield _priced(
        "Lambda: calls", requests, free.get("lambda_requests", 0), cost["lambda_million_requests"] / 1e6, "calls"
    )


def _tables(found: list[Opened], wish: Wish, prices: Book) -> Cost:
    written, read = units(found, wish, prices.habits)
    each = prices.prices
    usd = written / 1e6 * each["dynamodb_million_writes"] + read / 1e6 * each["dynamodb_million_reads"]
    return Cost(name="DynamoDB", usd=usd, of=f"{written / 1e6:.1f} M writes, {read / 1e6:.1f} M reads")


def _queues(found: list[Opened], wish: Wish, prices: Book, free: dict[str, float], bodies: Json) -> Cost:
    """Mostly the empty long polls of the functions that wait on queues."""
    mappings = sum(1 for body in bodies.values() for event in body["Events"].values() if event["Type"] == "SQS")
    polls = mappings * prices.habits["pollers"] * MONTH_H * 3600 / 20
    sent = sum((2 * wish.signals + 2 * wish.alerts) * 3 * MONTH_H / 24 for _ in found)
    return _priced(
        "SQS", polls + sent, free.get("sqs_requests", 0), prices.prices["sqs_fifo_million_requests"] / 1e6, "requests"
    )


def _watching(found: list[Opened], wish: Wish, prices: Book, free: dict[str, float], runs: float) -> Iterator[Cost]:
    habits, cost = prices.habits, prices.prices
    hours = streaming_hours(wish)
    metrics = habits["metrics_shared"] + sum(
        habits["metrics_market"] * one.hours / MONTH_H + habits["metrics_streamer"] * min(hours, MONTH_H) / MONTH_H
        for one in found
    )
    yield _priced("CloudWatch: metrics", metrics, free.get("metrics", 0), cost["metric_month"], "metrics, by the hour")
    if wish.alarms:
        alarms = sum(
            1 for one in load(ROOT / "infra" / "alarms.yaml")["Resources"].values() if one["Type"].endswith("Alarm")
        )
        yield _priced("CloudWatch: alarms", alarms, free.get("alarms", 0), cost["alarm_month"], "alarms")
        yield Cost(name="CloudWatch: dashboard", usd=cost["dashboard_month"], of="one")
    gb = (runs * habits["log_kb_run"] + hours * 60 * len(found) * habits["log_kb_streamer_minute"]) / 1e6
    yield _priced("CloudWatch: logs", gb, free.get("logs_gb", 0), cost["logs_gb"], "GB")


def _egress(prices: Book) -> Cost:
    hourly = prices.prices["nat_gateway_hour"] + prices.prices["public_ipv4_hour"]
    return Cost(name="Fixed egress: NAT gateway", usd=MONTH_H * hourly, of=f"{MONTH_H:.0f} h and one address")


def _priced(name: str, count: float, free: float, each: float, unit: str) -> Cost:
    shown = (
        f"{count / 1e6:.2f} M {unit}"
        if count >= 1e6
        else f"{count:,.0f} {unit}"
        if count >= 100
        else f"{count:.3g} {unit}"
    )
    return Cost(name=name, usd=max(0.0, count - free) * each, of=shown)
