"""Traces go to a collector where one is named, and cost nothing where none is."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from typing import Any

import grpc
import pytest

from tests.contract.shared.running_process import Process, connected
from winnow.ranking.v1 import ranking_service_pb2 as pb

PROBE = "tests.contract.shared.probe_process"
SPAN = "winnow.ranking.v1.RankingService/Score"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
SAMPLED = (("traceparent", f"00-{TRACE_ID}-{PARENT_ID}-01"),)
NOT_SAMPLED = (("traceparent", f"00-{TRACE_ID}-{PARENT_ID}-00"),)


def collecting() -> Any:
    """Runs a collector, where there is what one is made of."""
    reason = "needs the extra tracing"
    return pytest.importorskip("tests.contract.shared.collector", reason=reason, exc_type=ImportError).collecting()


def attributes(span: Any) -> dict[str, str]:
    """Returns the attributes of a span that are text."""
    return {pair.key: pair.value.string_value for pair in span.attributes}


@pytest.mark.parametrize("module", ["services.gateway.__main__", "services.recall.__main__", "shared.server"])
def test_without_a_collector_nothing_is_imported(module: str) -> None:
    """Tracing is for those who look at it."""
    program = f"import sys, {module}; sys.exit('opentelemetry' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_a_call_continues_its_callers_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is sent before the process ends, under the name of the service."""
    with collecting() as (collector, endpoint):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        with closing(Process(PROBE, LOG_LEVEL="debug")) as process:
            target = f"127.0.0.1:{process.read_log('listening')['port']}"
            with connected(target) as stub:
                stub.Score(pb.ScoreRequest(), metadata=SAMPLED)
            assert process.read_log("rpc")["trace_id"] == TRACE_ID
            process.send(signal.SIGTERM)
            assert process.exit_code() == 0
        span = collector.until(lambda spans: SPAN in spans)[SPAN]
        assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE_ID, PARENT_ID)
        assert attributes(span)["rpc.response.status_code"] == "OK"
        assert collector.resources[0]["service.name"] == "winnow-ranking"


def test_a_failure_is_marked_without_what_only_the_log_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads traces need not be who may read logs."""
    with collecting() as (collector, endpoint):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        with closing(Process(PROBE)) as process:
            target = f"127.0.0.1:{process.read_log('listening')['port']}"
            with connected(target) as stub, pytest.raises(grpc.RpcError):
                stub.Score(pb.ScoreRequest(snapshot_id="fail"))
            process.send(signal.SIGTERM)
            process.exit_code()
        span = collector.until(lambda spans: SPAN in spans)[SPAN]
        assert attributes(span)["rpc.response.status_code"] == "INTERNAL"
        assert (span.status.code, "hunter2" in str(span)) == (2, False)


def test_the_caller_decides_what_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace that is not recorded by whoever began it is not recorded here."""
    with collecting() as (collector, endpoint):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        with closing(Process(PROBE)) as process:
            target = f"127.0.0.1:{process.read_log('listening')['port']}"
            with connected(target) as stub:
                stub.Score(pb.ScoreRequest(), metadata=NOT_SAMPLED)
                stub.GetSnapshotStatus(pb.GetSnapshotStatusRequest(), metadata=SAMPLED)
            process.send(signal.SIGTERM)
            process.exit_code()
        spans = collector.until(lambda spans: "winnow.ranking.v1.RankingService/GetSnapshotStatus" in spans)
        assert SPAN not in spans


def test_a_collector_that_is_gone_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls are answered, and the process ends."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with closing(Process(PROBE)) as process:
        target = f"127.0.0.1:{process.read_log('listening')['port']}"
        with connected(target) as stub:
            assert stub.Score(pb.ScoreRequest(), timeout=10) == pb.ScoreResponse()
        process.send(signal.SIGTERM)
        assert process.exit_code() == 0
