"""Traces with OpenTelemetry. Imported only where a collector is named: see `shared.tracing`.

The spans of an RPC are ours rather than those of the official gRPC instrumentation, which is another interceptor around
every call on both sides; and a batch has several parents, which it does not know.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import Any

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.tracing import Metadata
from shared.workers.role import WorkerRole

#: How long the end of a process may wait for what was recorded to be sent.
STOP_SECONDS = 2.0

_CARRIED = ("traceparent", "tracestate")

#: A server span is marked as failed for what is the server's fault, by OpenTelemetry's conventions for gRPC.
_FAULTS = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}


def exporting_tracer(service: str) -> "OpenTelemetryTracer":
    """Returns a tracer that sends to the collector that the environment names, in batches, from a thread."""
    named = {SERVICE_NAME: service}
    if (role := WorkerRole.of_this_process()) is not None:
        named["winnow.worker"] = str(role.number)
    # What the environment says of the resource prevails.
    provider = TracerProvider(
        shutdown_on_exit=False, resource=Resource.create(named).merge(OTELResourceDetector().detect())
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OpenTelemetryTracer(provider)


class OpenTelemetryTracer:
    """A `Tracer`.

    Args:
        provider: With a sampler and processors; that of the environment's settings by default.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("winnow")
        self._carrier = TraceContextTextMapPropagator()

    @contextmanager
    def serving(self, method: str, metadata: Iterable[tuple[str, Any]]) -> Iterator["ServedSpan"]:
        """See `Tracer`."""
        carried = {key: value for key, value in metadata if key in _CARRIED}
        service, _, name = method[1:].partition("/")
        with self._tracer.start_as_current_span(
            method[1:],
            context=self._carrier.extract(carried) if carried else None,
            kind=SpanKind.SERVER,
            attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": name},
            record_exception=False,  # its text is for the log alone
            set_status_on_exception=False,
        ) as span:
            yield ServedSpan(span)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """See `Tracer`."""
        with self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False):
            yield

    @contextmanager
    def calling(self, name: str, places: Sequence[SpanContext]) -> Iterator[Metadata]:
        """See `Tracer`. With several requests the span is a child of one of them, and linked to the others."""
        if not places:
            yield ()
            return
        parent = next((place for place in places if place.trace_flags.sampled), places[0])
        with self._tracer.start_as_current_span(
            name,
            context=set_span_in_context(NonRecordingSpan(parent)),
            kind=SpanKind.CLIENT,
            attributes={"rpc.system": "grpc", "winnow.batch.requests": len(places)},
            links=[Link(place) for place in places if place is not parent],
            record_exception=False,
        ):
            carried: dict[str, str] = {}
            self._carrier.inject(carried)
            yield tuple(carried.items())

    def here(self) -> SpanContext | None:
        """See `Tracer`."""
        place = get_current_span().get_span_context()
        return place if place.is_valid else None

    def trace_id(self) -> str:
        """See `Tracer`."""
        place = self.here()
        return "" if place is None else format_trace_id(place.trace_id)

    def stop(self) -> None:
        """See `Tracer`."""
        # A collector that is gone is tried for longer than a drain may take.
        sending = Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(STOP_SECONDS)


class ServedSpan:
    """A `ServedCall`.

    Args:
        span: Of the call.
    """

    def __init__(self, span: Span) -> None:
        self._span = span

    def ended(self, code: str) -> None:
        """See `ServedCall`."""
        self._span.set_attribute("rpc.response.status_code", code)
        if code in _FAULTS:
            self._span.set_status(StatusCode.ERROR)
