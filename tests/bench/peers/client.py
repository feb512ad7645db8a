"""Asks an inference server with Triton's own client, in the environment of `client-requirements.txt`.

    python -m tests.bench.peers.client requests.npz '{"target": ..., "model": ..., "batch_axis": false}' answers --check

It is a program of its own because `tritonclient` registers its messages in protobuf's global pool and wants another gRPC.
"""

import argparse
import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from tests.bench.peers.processor_time import busy_seconds, processor_seconds

OUTPUT = "scores"

#: As many callers would have: a server of several processes that share a port is given connections, not requests.
CONNECTIONS = 8

# Else clients of one process share a connection.
_OWN_CONNECTION = [("grpc.use_local_subchannel_pool", 1)]
_POLL_SECONDS = 0.2


@dataclass
class Run:
    """What a closed loop has seen after its warm-up.

    Attributes:
        latencies: Seconds of each answer.
        errors: What went wrong, and how often.
        client_seconds: Processor time of this process.
        busy_seconds: Processor time of everything on the machine.
        server_seconds: Processor time of the server's processes, by `name:id`.
        seconds: How long it measured.
    """

    latencies: list[float] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)
    client_seconds: float = 0.0
    busy_seconds: float = 0.0
    server_seconds: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0


class Asker:
    """Sends seeded requests.

    Args:
        target: Address of the server.
        model: Name of the model.
        requests: Arrays by input, the first axis is the request.
        batch_axis: Whether the model's inputs have a batch axis in front, of which a request is one entry.
    """

    def __init__(self, target: str, model: str, requests: dict[str, NDArray[Any]], batch_axis: bool) -> None:
        self._clients = [
            triton_aio.InferenceServerClient(target, channel_args=_OWN_CONNECTION) for _ in range(CONNECTIONS)
        ]
        self._model = model
        count = len(next(iter(requests.values())))
        # Made once: turning arrays to bytes is the caller's work, not the protocol's.
        self._inputs = [
            [_input(name, array[one : one + 1] if batch_axis else array[one]) for name, array in requests.items()]
            for one in range(count)
        ]
        self._outputs = [triton.InferRequestedOutput(OUTPUT)]

    @property
    def requests(self) -> int:
        """How many different requests there are."""
        return len(self._inputs)

    async def wait_until_ready(self, seconds: float) -> None:
        """Waits for the model.

        Raises:
            TimeoutError: it is not ready after so long.
        """
        deadline = time.monotonic() + seconds
        problem = "it says that it is not ready"
        while time.monotonic() < deadline:
            try:
                if await self._clients[0].is_model_ready(self._model):
                    return
            except InferenceServerException as error:
                problem = str(error)
            await asyncio.sleep(_POLL_SECONDS)
        raise TimeoutError(f"model {self._model} was not ready within {seconds:g} s: {problem}")

    async def ask(self, one: int, caller: int = 0) -> NDArray[np.float32]:
        """Returns the scores of a request, asked over the connection of a caller."""
        client = self._clients[caller % CONNECTIONS]
        answer = await client.infer(self._model, self._inputs[one % self.requests], outputs=self._outputs)
        scores: NDArray[np.float32] = answer.as_numpy(OUTPUT)
        return scores

    async def close(self) -> None:
        """Closes the connections."""
        for client in self._clients:
            await client.close()


async def load(asker: Asker, in_flight: int, warm_up: float, seconds: float, server_pid: int) -> Run:
    """Keeps `in_flight` requests in flight: warm-up first, then what is counted."""
    run = Run()
    begin = time.perf_counter() + warm_up
    end = begin + seconds

    async def caller(number: int) -> None:
        one = number
        while (sent := time.perf_counter()) < end:
            try:
                await asker.ask(one, number)
            except InferenceServerException as error:
                run.errors[str(error.status())] = run.errors.get(str(error.status()), 0) + 1
                continue
            finally:
                one += in_flight
            # By the end of the call, so that the rate is what came back in the time that is measured.
            if begin <= (answered := time.perf_counter()) < end:
                run.latencies.append(answered - sent)

    async def account() -> None:
        await asyncio.sleep(begin - time.perf_counter())
        run.errors.clear()
        client, server, busy = time.process_time(), _server_seconds(server_pid), busy_seconds()
        started = time.perf_counter()
        await asyncio.sleep(end - time.perf_counter())
        run.client_seconds = time.process_time() - client
        run.seconds = time.perf_counter() - started
        run.busy_seconds = busy_seconds() - busy
        run.server_seconds = {name: used - server.get(name, 0.0) for name, used in _server_seconds(server_pid).items()}

    await asyncio.gather(account(), *(caller(number) for number in range(in_flight)))
    return run


def _server_seconds(pid: int) -> dict[str, float]:
    return processor_seconds(pid) if pid else {}


def _input(name: str, array: NDArray[Any]) -> triton.InferInput:
    tensor = triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    tensor.set_data_from_numpy(array)
    return tensor


async def _main(given: argparse.Namespace) -> None:
    with np.load(given.requests) as stored:
        requests = {name: stored[name] for name in stored.files}
    server = json.loads(given.server)
    asker = Asker(server["target"], server["model"], requests, server["batch_axis"])
    await asker.wait_until_ready(given.ready_seconds)
    if given.check:
        scores = [(await asker.ask(one)).reshape(-1) for one in range(asker.requests)]
        np.savez(given.out, scores=np.stack(scores))
    else:
        run = await load(asker, given.in_flight, given.warm_up, given.seconds, server["pid"])
        described = {
            "errors": run.errors,
            "seconds": run.seconds,
            "client_seconds": run.client_seconds,
            "busy_seconds": run.busy_seconds,
            "server_seconds": run.server_seconds,
        }
        np.savez(given.out, latencies=np.array(run.latencies), described=json.dumps(described))
    await asker.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requests", type=Path, help="the inputs of all requests, as .npz")
    parser.add_argument("server", help="JSON: target, model, batch_axis, pid (0: not on this machine)")
    parser.add_argument("out", type=Path, help="where the result goes, as .npz")
    parser.add_argument("--check", action="store_true", help="ask every request once and keep the scores")
    parser.add_argument("--in-flight", type=int, default=1)
    parser.add_argument("--warm-up", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--ready-seconds", type=float, default=90.0)
    return parser


if __name__ == "__main__":
    try:
        asyncio.run(_main(_parser().parse_args()))
    except (TimeoutError, InferenceServerException) as problem:
        sys.exit(str(problem))
