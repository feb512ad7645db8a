"""What is counted, and how it is told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.load.histogram import LatencyHistogram
from tests.load.report import as_json, as_lines
from tests.load.tally import Outcome, Tally


def counted() -> Tally:
    """Five calls: two whole answers, two degraded ones, one of them twice in the same stage, and an error."""
    tally = Tally(seconds=2.0)
    tally.count("recommend", Outcome("OK", snapshot="s1"), 0.001)
    tally.count("recommend", Outcome("OK", ("recall", "recall"), "s1"), 0.002)
    tally.count("recommend", Outcome("OK", ("recall", "ranking"), "s2"), 0.003)
    tally.count("record", Outcome("OK"), 0.004)
    tally.count("record", Outcome("UNAVAILABLE"), 0.005)
    return tally


def test_errors_and_degraded_answers_are_counted_apart() -> None:
    """An answer that does without a stage is an answer; a stage counts once an answer."""
    result = as_json(counted(), {"rate": 5})
    assert (result["calls"], result["answers"], result["answers_per_second"]) == (5, 4, 2.0)
    assert result["statuses"] == {"OK": 4, "UNAVAILABLE": 1}
    assert result["degraded_answers"] == 2
    assert result["degraded_stages"] == {"recall": 2, "ranking": 1}
    assert result["snapshots"] == {"s1": 2, "s2": 1}
    assert result["measured_with"] == {"rate": 5}
    assert set(result["latency_ms_by_rpc"]) == {"recommend", "record"}


def test_errors_have_their_latency_too() -> None:
    """A timeout must not make the percentiles look better."""
    assert as_json(counted(), {})["latency_ms"]["max"] > 4.9


def test_people_read_the_same() -> None:
    """Throughput, percentiles for each RPC and all, errors with their share, stages."""
    text = "\n".join(as_lines(counted()))
    assert "4 of 5 calls answered in 2.0 s: 2.0/s" in text
    assert "errors: 1\n  UNAVAILABLE: 1 (20.00%)" in text
    assert "without recall: 2" in text
    assert [line.split()[0] for line in text.splitlines()[1:5]] == ["ms", "recommend", "record", "all"]


def test_nothing_measured_is_told_without_a_division() -> None:
    """A run that ends in its warm-up is all zeros."""
    assert as_json(Tally(), {})["answers_per_second"] == 0
    assert list(as_lines(Tally()))


def test_two_processes_add_up() -> None:
    """Counts are summed, the time is the longer one."""
    together = counted()
    other = counted()
    other.seconds = 3.0
    together.add(other)
    assert (together.calls, together.answers, together.seconds, together.degraded_answers) == (10, 8, 3.0, 4)
    assert len(together.overall()) == 10


latencies = st.lists(st.floats(1e-6, 3000), min_size=1, max_size=200)


@given(seconds=latencies)
def test_percentiles_are_within_a_thousandth(seconds: list[float]) -> None:
    """Of the value that at least as many latencies do not exceed."""
    histogram = LatencyHistogram()
    for one in seconds:
        histogram.record(one)
    ordered = sorted(seconds)
    exact = ordered[max(0, -(-len(ordered) * 50 // 100) - 1)] * 1e3
    assert abs(histogram.percentiles().p50 - exact) <= exact * 1e-3 + 1e-3
    assert abs(histogram.percentiles().max - ordered[-1] * 1e3) <= ordered[-1] + 1e-3


@given(first=latencies, second=latencies)
def test_histograms_travel_between_processes_and_add_up(first: list[float], second: list[float]) -> None:
    """Encoded, decoded and added, they are as if one process had counted all."""
    whole, sent, received = LatencyHistogram(), LatencyHistogram(), LatencyHistogram()
    for one in first:
        whole.record(one)
        received.record(one)
    for one in second:
        whole.record(one)
        sent.record(one)
    received.add(LatencyHistogram.decode(sent.encode()))
    assert received.percentiles() == whole.percentiles()
    assert len(received) == len(first) + len(second)


def test_a_latency_out_of_range_counts_as_the_longest() -> None:
    """It is not lost."""
    histogram = LatencyHistogram()
    histogram.record(1e9)
    histogram.record(0)
    assert len(histogram) == 2
