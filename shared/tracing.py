"""Traces of requests through the services, where somebody collects them; without a collector nothing is even imported.

Tracing is on when OpenTelemetry's own variable names a collector, `OTEL_EXPORTER_OTLP_ENDPOINT`. Its other variables hold
too, such as `OTEL_TRACES_SAMPLER`. What is recorded stands in `shared.opentelemetry_tracer`.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import structlog

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

#: Entries for the metadata of a call.
Metadata = tuple[tuple[str, str], ...]

#: Where a trace stands: opaque here, made by a tracer and given back to it.
Place = Any

log = structlog.get_logger()


class ServedCall(Protocol):
    """A call that is traced while it is answered."""

    def ended(self, code: str) -> None:
        """Notes the name of the status that it ended with."""
        ...


class Tracer(Protocol):
    """Records what happens when."""

    def serving(self, method: str, metadata: Iterable[tuple[str, Any]]) -> AbstractContextManager[ServedCall]:
        """Records the answering of a call, as part of the caller's trace if `traceparent` names one."""
        ...

    def stage(self, name: str) -> AbstractContextManager[Any]:
        """Records a part of what is going on."""
        ...

    def calling(self, name: str, places: Sequence[Place]) -> AbstractContextManager[Metadata]:
        """Records a call on behalf of requests; gives what carries the trace to whoever is called."""
        ...

    def here(self) -> Place | None:
        """Returns where the trace stands; None outside of any."""
        ...

    def trace_id(self) -> str:
        """Returns the id of the trace in progress; empty outside of any."""
        ...

    def stop(self) -> None:
        """Sends what was recorded; takes as long as that takes, within seconds."""
        ...


_tracer: Tracer | None = None
_untraced: AbstractContextManager[Any] = nullcontext(())


def start(service: str) -> None:
    """Begins to trace, where a collector is named.

    Args:
        service: The name in every trace, unless `OTEL_SERVICE_NAME` gives another.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS) or os.environ.get("OTEL_SDK_DISABLED") == "true":
        return
    try:
        from shared.opentelemetry_tracer import exporting_tracer  # noqa: PLC0415 - it takes long and is seldom there
    except ImportError as error:
        log.error("a collector of traces is named, but winnow[tracing] is not installed", missing=error.name)
        return
    use(exporting_tracer(service))


def use(tracer: Tracer | None) -> None:
    """Traces with `tracer` from now on; None ends it."""
    global _tracer  # noqa: PLW0603 - like logs and metrics, there is one for the process
    _tracer = tracer


def stop() -> None:
    """Ends tracing, and sends what was recorded."""
    if _tracer is not None:
        _tracer.stop()
        use(None)


def active() -> Tracer | None:
    """Returns what traces; None where nothing does."""
    return _tracer


def stage(name: str) -> AbstractContextManager[Any]:
    """See `Tracer`; does nothing where nothing traces."""
    return _untraced if _tracer is None else _tracer.stage(name)


def calling(name: str, places: Sequence[Place | None]) -> AbstractContextManager[Metadata]:
    """See `Tracer`; gives nothing where nothing traces."""
    return _untraced if _tracer is None else _tracer.calling(name, [place for place in places if place is not None])


def here() -> Place | None:
    """See `Tracer`; None where nothing traces."""
    return None if _tracer is None else _tracer.here()


def trace_id() -> str:
    """See `Tracer`; empty where nothing traces."""
    return "" if _tracer is None else _tracer.trace_id()
