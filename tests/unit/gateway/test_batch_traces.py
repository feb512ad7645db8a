"""One call on behalf of several requests belongs to the trace of each."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from services.gateway.backend import Backend
from services.gateway.batched_method import BatchedMethod
from services.gateway.circuit import Circuit
from services.gateway.degradation import Stage
from services.gateway.run import Deadline, Run
from shared import tracing
from shared.batching import BatchLimits


@pytest.fixture
def exporter() -> Iterator[Any]:
    """Keeps the spans of a test."""
    spans = pytest.importorskip("tests.unit.gateway.spans", reason="needs the extra tracing", exc_type=ImportError)
    with spans.recording() as exporter:
        yield exporter


class Method:
    """A neighbour's method that answers when it may.

    Attributes:
        carried: The `traceparent` of each call.
    """

    def __init__(self) -> None:
        self.carried: list[list[str]] = []
        self.called = asyncio.Event()
        self.held = asyncio.Event()

    async def __call__(self, request: list[str], timeout: float, metadata: Any) -> list[str]:  # noqa: ASYNC109, ARG002
        """Answers a call."""
        self.carried.append([value for key, value in metadata if key == "traceparent"])
        self.called.set()
        await self.held.wait()
        return request


def batched(method: Any) -> BatchedMethod[str, str, Any, Any]:
    """Returns the method, asked with one batch in flight."""
    return BatchedMethod(
        Backend("recall", Circuit(1000)),
        method,
        name="Echo",
        write=list,
        read=lambda response, _questions: list(response),
        key=lambda _question: None,
        weight=lambda _question: 1,
        limits=BatchLimits(entries=8, weight=100, waiting=100, in_flight=1),
    )


async def ask(method: BatchedMethod[str, str, Any, Any], question: str) -> None:
    """Asks within a trace of its own."""
    tracer = tracing.active()
    assert tracer is not None
    with tracer.serving(f"/gateway/{question}", ()):
        await method.ask(question, 60)


async def test_a_call_for_several_requests_is_linked_to_all(exporter: Any) -> None:
    """Child of one, linked to the others; the neighbour continues it."""
    method = Method()
    recall = batched(method)
    tasks = [asyncio.create_task(ask(recall, "a"))]
    await method.called.wait()
    tasks += [asyncio.create_task(ask(recall, name)) for name in ("b", "c")]
    method.held.set()
    await asyncio.gather(*tasks)
    spans = exporter.get_finished_spans()
    requests = {span.name[-1]: span for span in spans if span.name.startswith("gateway/")}
    alone, together = [span for span in spans if span.name == "recall"]
    assert (alone.parent.span_id, alone.links) == (requests["a"].context.span_id, ())
    assert together.parent.span_id == requests["b"].context.span_id
    assert [link.context.trace_id for link in together.links] == [requests["c"].context.trace_id]
    assert [carried[0].split("-")[2] for carried in method.carried] == [
        f"{span.context.span_id:016x}" for span in (alone, together)
    ]


async def test_stages_are_parts_of_the_request(exporter: Any) -> None:
    """By name."""
    tracer = tracing.active()
    assert tracer is not None
    snapshot: Any = None  # which no stage looks at here
    run = Run(snapshot, Deadline(1.0), {})
    with tracer.serving("/gateway/Recommend", ()), run.timed(Stage.FILTER):
        pass
    stage, request = exporter.get_finished_spans()
    assert (stage.name, stage.parent.span_id) == ("filter", request.context.span_id)


async def test_without_a_trace_nothing_is_carried() -> None:
    """A neighbour sees the request id alone."""
    method = Method()
    method.held.set()
    await batched(method).ask("a", 60)
    assert method.carried == [[]]
