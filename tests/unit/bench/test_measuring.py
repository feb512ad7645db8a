"""Measurements of inference servers."""

import numpy as np

from tests.bench.peers.measuring import Measurement

_QUICK = Measurement(np.full(99, 0.001), 1.0, {}, 0.01, {"python": 0.02}, 0.5)
_SLOW = Measurement(np.full(1, 0.1), 1.0, {"UNAVAILABLE": 2}, 0.03, {"python": 0.03, "stub": 0.05}, 0.5)


def test_measurements_are_added_up_before_percentiles_are_taken() -> None:
    """One slow answer among a hundred is the 99th percentile's neighbour, not half of an average."""
    both = (_QUICK + _SLOW).as_json()
    assert both["answers"] == 100
    assert both["answers_per_second"] == 50.0
    assert both["latency_ms"]["p50"] == 1.0
    assert both["latency_ms"]["p99"] < 3.0
    assert both["errors"] == {"UNAVAILABLE": 2}


def test_processor_time_is_told_for_each_answer_and_by_process() -> None:
    """What a server's processes use is added up; what is neither server nor client is told apart."""
    both = (_QUICK + _SLOW).as_json()
    assert both["server_cpu_ms"] == 1.0
    assert both["server_cpu_ms_by_process"] == {"python": 0.5, "stub": 0.5}
    assert both["client_cpu_ms"] == 0.4
    assert both["processors_busy_otherwise"] == 0.43
