"""Log lines of the running system, each read once."""

import json

from hypothesis import given
from hypothesis import strategies as st

from core.adapters.logs import metric_line
from core.domain.values import Millis
from core.local.lines import FileLines, GroupLines, line
from core.local.tally import Tally, figures

events = st.lists(st.tuples(st.integers(0, 5_000), st.sampled_from("ab"), st.sampled_from("xyz")), max_size=25)


class Logs:
    """A log group as the embedded AWS answers it: events in time order, those from `startTime` on."""

    def __init__(self) -> None:
        self.held: list[dict] = []

    def add(self, found) -> None:
        self.held += [{"timestamp": at, "logStreamName": stream, "message": text} for at, stream, text in found]
        self.held.sort(key=lambda event: event["timestamp"])

    def filter_log_events(self, logGroupName: str, startTime: int) -> dict:
        return {"events": [event for event in self.held if event["timestamp"] >= startTime]}


class Cloud:
    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    def client(self, service: str) -> Logs:
        return self._logs


@given(st.lists(events, max_size=5))
def test_every_event_of_a_group_is_read_once_however_late_its_stream_came_in(rounds):
    logs = Logs()
    group = GroupLines(Cloud(logs), "/hoga/local/worker", Millis(0))
    read, base = [], 0
    for found in rounds:
        logs.add([(base + at % 2_000, stream, text) for at, stream, text in found])
        base += 500
        read += [(said.at, said.text) for said in group.new()]

    assert sorted(read) == sorted((event["timestamp"], event["message"]) for event in logs.held)
    assert list(group.new()) == []
    assert group.source == "worker"


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip).filter(bool), max_size=10
    ),
    st.integers(1, 7),
)
def test_a_growing_file_gives_each_whole_line_once(tmp_path_factory, texts, step):
    path = tmp_path_factory.mktemp("lines") / "log"
    reader, read = FileLines("streamer", path), []
    whole = "".join(f"{text}\n" for text in texts).encode()
    assert list(reader.new()) == []
    for start in range(0, len(whole), step):
        with path.open("ab") as file:
            file.write(whole[start : start + step])
        read += [said.text for said in reader.new()]

    assert read == [text for text in "".join(f"{text}\n" for text in texts).split("\n") if text]


def test_a_line_that_only_looks_like_json_is_plain_text():
    assert line("worker", Millis(1), "{broken").fields == {}
    assert line("worker", Millis(1), '{"message": "ok"}').fields == {"message": "ok"}


def test_the_streamers_own_metric_lines_are_counted():
    tally = Tally()

    named = tally.take(
        json.loads(metric_line({"Signals": 3, "Reconnects": 1}, {"service": "streamer"}, Millis(5), stage="x"))
    )

    assert named == ["Signals", "Reconnects"]
    assert (tally["Signals"], tally["Reconnects"], tally["Scans"]) == (3, 1, 0)


def test_a_reason_is_counted_beside_the_sum():
    tally = Tally()
    for reason in ("stop_loss", "stop_loss", "trend"):
        tally.take(json.loads(metric_line({"Sells": 1}, {"service": "worker"}, Millis(5), stage="x", reason=reason)))

    assert tally["Sells"] == 3
    assert tally.reasons["Sells"] == {"stop_loss": 2, "trend": 1}


def test_other_namespaces_and_ordinary_lines_count_nothing():
    metric = {"Namespace": "other", "Metrics": [{"Name": "Scans"}]}

    assert list(figures({"message": "Scans 5"})) == []
    assert list(figures({"_aws": {"CloudWatchMetrics": [metric]}, "Scans": 1})) == []
