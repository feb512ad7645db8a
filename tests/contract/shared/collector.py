"""A collector of traces, as OpenTelemetry's exporter sees one."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as pb_grpc


class Collector:
    """Keeps what it is sent.

    Attributes:
        resources: The attributes of whoever sent something.
    """

    def __init__(self) -> None:
        self.resources: list[dict[str, str]] = []
        self._spans: list[Any] = []
        self._news = threading.Condition()

    def Export(self, request: Any, _context: Any) -> Any:  # noqa: N802 - named by the protocol
        """Takes spans."""
        with self._news:
            for one in request.resource_spans:
                self.resources.append({pair.key: pair.value.string_value for pair in one.resource.attributes})
                self._spans += [span for scope in one.scope_spans for span in scope.spans]
            self._news.notify_all()
        return pb.ExportTraceServiceResponse()

    def until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Waits until the spans, by name, meet a condition; returns them."""
        with self._news:
            assert self._news.wait_for(lambda: condition(self._by_name()), timeout=30), list(self._by_name())
            return self._by_name()

    def _by_name(self) -> dict[str, Any]:
        return {span.name: span for span in self._spans}


@contextmanager
def collecting() -> Iterator[tuple[Collector, str]]:
    """Runs a collector, and gives its endpoint."""
    server = grpc.server(ThreadPoolExecutor(2))
    collector = Collector()
    add_to_server: Any = pb_grpc.add_TraceServiceServicer_to_server
    add_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield collector, f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
