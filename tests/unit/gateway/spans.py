"""Traces that are kept in memory; importing this needs the extra `tracing`."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared import tracing
from shared.opentelemetry_tracer import OpenTelemetryTracer


@contextmanager
def recording() -> Iterator[InMemorySpanExporter]:
    """Traces while the context is open; gives what was recorded."""
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracing.use(OpenTelemetryTracer(provider))
    try:
        yield spans
    finally:
        tracing.use(None)
