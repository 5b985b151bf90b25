"""Log lines are JSON; metric lines are CloudWatch's embedded metric format."""

import io
import json
import logging

import pytest

from core.adapters.logs import JsonLines, metric_line, write_json
from core.domain.values import Instrument, Market, Millis


@pytest.fixture
def root():
    """The root logger, given back as it was."""
    logger = logging.getLogger()
    before = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:], logger.level = before


def written(sink):
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def test_a_log_line_is_one_json_object_with_the_extras_beside_the_message(root):
    sink = io.StringIO()
    write_json("streamer", sink)

    logging.getLogger("a.part").info(
        "signal %s", "sent", extra={"outcome": "ok", "instrument": Instrument(Market.UPBIT, "KRW-BTC"), "key": "k"}
    )

    (line,) = written(sink)
    assert line["at"] > 0
    del line["at"]
    assert line == {
        "level": "INFO", "service": "streamer", "message": "signal sent", "logger": "a.part", "outcome": "ok",
        "instrument": {"market": "upbit", "symbol": "KRW-BTC"}, "key": "k",
    }  # fmt: skip


def test_an_exception_stays_on_the_one_line(root):
    sink = io.StringIO()
    write_json("streamer", sink)

    try:
        raise ValueError("broken\nin two")
    except ValueError:
        logging.getLogger("x").exception("it failed", extra={"what": ValueError("odd")})

    (line,) = written(sink)
    assert "ValueError: broken" in line["exception"]
    assert line["what"] == "odd"


def test_what_is_under_the_level_is_not_written(root):
    sink = io.StringIO()
    write_json("streamer", sink, logging.WARNING)

    logging.getLogger("x").info("quiet")

    assert written(sink) == []


def test_setting_up_twice_does_not_write_twice(root):
    first, second = io.StringIO(), io.StringIO()
    write_json("streamer", first)
    write_json("streamer", second)

    logging.getLogger("x").info("once")

    assert (len(written(first)), len(written(second))) == (0, 1)
    assert sum(isinstance(handler.formatter, JsonLines) for handler in root.handlers) == 1


def test_a_metric_line_names_each_figure_and_carries_its_dimensions_and_properties():
    line = json.loads(
        metric_line(
            {"Signals": 2, "Reconnects": 1.0},
            {"service": "streamer", "market": "upbit"},
            Millis(5),
            stage="dev",
            reason="x",
        )
    )

    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert line["_aws"]["Timestamp"] == 5
    assert directive["Namespace"] == "hoga/dev"
    assert directive["Dimensions"] == [["service", "market"]]
    assert directive["Metrics"] == [{"Name": "Signals", "Unit": "Count"}, {"Name": "Reconnects", "Unit": "Count"}]
    assert (line["Signals"], line["Reconnects"], line["market"], line["reason"]) == (2, 1.0, "upbit", "x")


def test_a_metric_without_dimensions_has_one_empty_set_of_them():
    """Sells are counted without dimensions and carry their reason as a property."""
    line = json.loads(metric_line({"Sells": 1}, {}, Millis(5), stage="dev", reason="stop_loss"))

    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[]]
    assert line["reason"] == "stop_loss"
