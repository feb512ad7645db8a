"""What surrounds every RPC, and what it costs: `python -m tests.bench.edge`.

It calls one method behind the edge and the same method bare, without a socket, so that the figures repeat, and each part
by itself; then both over a socket, where gRPC pays for having an interceptor at all, and the figures tremble.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
import structlog
import uvloop

from services.gateway import metrics as gateway_metrics
from services.gateway.answer import Answer
from services.gateway.degradation import Stage
from shared import logs, metrics
from shared.interceptors import EdgeInterceptor
from shared.workers.role import WorkerRole

METHOD = "/winnow.gateway.v1.GatewayService/Recommend"

#: What a call of the gateway comes with: an id, and what gRPC and proxies add.
METADATA = (
    ("user-agent", "grpc-python/1.78.2 grpc-c/51.0.0 (linux; chttp2)"),
    ("accept-language", "en"),
    ("x-request-id", "2b1f8a3c6f0e4b1a9d5c7e3f1a2b4c6d"),
)

Call = Callable[[], Awaitable[Any]]

log = structlog.get_logger()


class Context:
    """The little of gRPC's context that the edge asks for."""

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        """Returns what came with the call."""
        return METADATA


class Details:
    """What gRPC tells an interceptor."""

    method = METHOD
    invocation_metadata = METADATA


async def behave(_request: Any, _context: Any) -> bytes:
    """The method: nothing."""
    return b""


async def edge_calls() -> tuple[Call, Call]:
    """Returns a call through the edge, and the same without it."""
    interceptor = EdgeInterceptor(max_in_flight=512)
    handler: Any = grpc.unary_unary_rpc_method_handler(behave)
    context = Context()

    async def found(_details: Any) -> Any:
        return handler

    async def through() -> None:
        answer = (await interceptor.intercept_service(found, Details)).unary_unary
        await answer(None, context)

    async def bare() -> None:
        await (await found(Details)).unary_unary(None, context)

    return through, bare


def parts() -> dict[str, Call]:
    """Returns what can be measured by itself."""
    in_flight = metrics.RPC_IN_FLIGHT.labels(METHOD)
    seconds = metrics.RPC_SECONDS.labels(METHOD)
    ok = metrics.RPC_TOTAL.labels(METHOD, "OK")
    context = Context()
    answer = Answer([], "snapshot", [], [(stage, 0.002) for stage in Stage], {"seen": 3})

    async def count_rpc() -> None:
        in_flight.inc()
        ok.inc()
        seconds.observe(0.002)
        in_flight.dec()

    async def identify() -> None:
        logs.request_id.reset(logs.request_id.set(logs.incoming_request_id(context.invocation_metadata())))

    async def identify_anew() -> None:
        logs.request_id.reset(logs.request_id.set(logs.new_request_id()))

    async def log_debug() -> None:
        log.debug("rpc", method=METHOD, code="OK", milliseconds=round(1.2345678, 3))

    async def count_answer() -> None:
        gateway_metrics.count(answer)

    return {
        "of it, metrics": count_rpc,
        "of it, the id of the request": identify,
        "a new id, where none came": identify_anew,
        "a line at debug that is not written": log_debug,
        "the gateway's own metrics": count_answer,
    }


async def microseconds(call: Call, calls: int, rounds: int) -> float:
    """Returns the CPU time of one call: of several rounds the quickest, which the machine disturbed least."""
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        for _ in range(calls):
            await call()
        best = min(best, time.process_time() - started)
    return best / calls * 1e6


async def over_a_socket(interceptors: Sequence[grpc.aio.ServerInterceptor], calls: int, rounds: int) -> float:
    """Returns the CPU time of one call over a socket, client and server together."""
    server = grpc.aio.server(interceptors=interceptors)
    method_handler = grpc.unary_unary_rpc_method_handler(behave, bytes, bytes)
    methods = {METHOD.rpartition("/")[2]: method_handler}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(METHOD.split("/")[1], methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        method: Any = channel.unary_unary(METHOD)

        async def call() -> None:
            await method(b"", metadata=METADATA[1:])

        spent = await microseconds(call, calls, rounds)
    await server.stop(None)
    return spent


async def measure(calls: int, rounds: int) -> dict[str, float]:
    """Returns microseconds by what they are spent on, the whole edge first."""
    through, bare = await edge_calls()
    nothing = await microseconds(_nothing, calls, rounds)
    spent = {"the edge": await microseconds(through, calls, rounds) - await microseconds(bare, calls, rounds)}
    for name, call in parts().items():
        spent[name] = await microseconds(call, calls, rounds) - nothing
    with_edge = await over_a_socket([EdgeInterceptor(max_in_flight=512)], calls // 10, rounds)
    without = await over_a_socket([], calls // 10, rounds)
    spent["the edge over a socket, gRPC's part in it included"] = with_edge - without
    spent["(a call over a socket without the edge)"] = without
    return spent


async def _nothing() -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    given = _parser().parse_args(arguments)
    if given.worker and WorkerRole.of_this_process() is None:
        _as_worker(given)
        return
    logs.configure_logs("bench", "info")
    spent = uvloop.run(measure(given.calls, given.rounds))
    whole = given.gateway_ms * 1000
    print(f"microseconds of CPU a call, and their share of {given.gateway_ms:g} ms")  # noqa: T201
    for name, one in spent.items():
        print(f"{name:52}{one:8.2f}{one / whole:9.2%}")  # noqa: T201 - the result


def _as_worker(given: argparse.Namespace) -> None:
    """Runs this again in a process whose metrics go to files, as those of one worker among several do."""
    with tempfile.TemporaryDirectory() as folder:
        role = WorkerRole(number=1, port=0, link=0).environment()
        flags = ["--worker", "--calls", str(given.calls), "--rounds", str(given.rounds)]
        command = [sys.executable, "-m", "tests.bench.edge", *flags, "--gateway-ms", str(given.gateway_ms)]
        subprocess.run(command, env=os.environ | role | {"PROMETHEUS_MULTIPROC_DIR": folder}, check=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.edge", description=__doc__)
    parser.add_argument("--gateway-ms", type=float, default=1.5, help="CPU of a request (default: %(default)s)")
    parser.add_argument("--calls", type=int, default=20_000, help="in a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="the quickest counts (default: %(default)s)")
    parser.add_argument("--worker", action="store_true", help="measure one of several workers")
    return parser


if __name__ == "__main__":
    main()
