"""A call over a link is answered as a call of its own would be, and none is lost for want of a link."""

import asyncio
import socket
import struct
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

from shared.exchange.frames import MAX_FRAME_BYTES, FrameBuffer, framed
from shared.exchange.link import Link
from shared.exchange.link_address import LinkAddress
from shared.exchange.link_listener import LinkListener
from shared.exchange.links import MAX_AGE, RETRY_SECONDS
from tests.contract.shared.exchanging import outcome
from tests.contract.shared.linking import (
    fresh_address,
    linked_to,
    linking,
    raw_link,
    read_response,
    request_frame,
)
from tests.contract.shared.probe import SCORE, Held, ProbeSettings, answer, build_server, server_gone, serving
from tests.contract.shared.running_process import free_port
from tests.contract.shared.test_exchange import abort, be_unavailable, echo, fail_unexpectedly, lack_snapshot, refuse
from tests.contract.shared.test_exchange_replicas import Named
from tests.contract.shared.test_exchange_streams import HOLD, HeldByName
from winnow.exchange.v1 import exchange_service_pb2 as exchange_pb
from winnow.ranking.v1 import ranking_service_pb2 as pb

REQUEST = pb.ScoreRequest(snapshot_id="s1")


@pytest.mark.parametrize("behaviour", [echo, refuse, lack_snapshot, be_unavailable, abort, fail_unexpectedly])
async def test_callers_learn_the_same_either_way(behaviour: Any) -> None:
    """The response, or the code, the sentence and what a program can read; twice, for a failure does not end the link."""
    metadata = [("x-request-id", "id-1")]
    async with linking(behaviour) as (running, client):
        alone = await outcome(running.stub.Score(REQUEST, metadata=metadata))
        for _ in range(2):
            assert await outcome(client.stub.Score(REQUEST, metadata=metadata)) == alone
        unavailable = alone[0] == "UNAVAILABLE"
        assert bool(client.streams) == unavailable  # which gRPC is to retry, elsewhere if there is an elsewhere


async def test_no_call_waits_for_a_link() -> None:
    """The first goes over a stream, and meanwhile a link is opened for those that follow."""
    address = fresh_address()
    async with (
        serving(links=address) as running,
        linked_to(running.target, LinkAddress.parse(address)) as client,
    ):
        await client.stub.Score(REQUEST)
        assert client.streams == 1
        await client.opened()
        for _ in range(3):
            await client.stub.Score(REQUEST)
    assert client.streams == 1


async def test_calls_at_once_never_share_a_link() -> None:
    """What finds none free goes over a stream."""
    held = HeldByName()
    async with linking(held) as (_running, client):
        busy = asyncio.ensure_future(client.stub.Score(HOLD))
        await held.arrivals.get()
        assert (await client.stub.Score(REQUEST)).objectives == ["s1"]
        assert client.streams == 1
        held.released.set()
        assert (await busy).objectives == ["hold"]


async def test_a_deadline_that_passes_cancels_the_work_and_gives_nobody_the_answer() -> None:
    """The next call gets its own."""
    held = HeldByName()
    async with linking(held) as (_running, client):
        late = await outcome(client.stub.Score(HOLD, timeout=0.05))
        await held.cancelled.wait()
        held.released.set()
        await client.opened()
        response = await client.stub.Score(pb.ScoreRequest(snapshot_id="next"), timeout=60)
    assert late[0] == "DEADLINE_EXCEEDED"
    assert response.objectives == ["next"]
    assert client.streams == 0


async def test_a_caller_that_gives_up_cancels_the_work() -> None:
    """And the link, so that the next call cannot read what was meant for it."""
    held = HeldByName()
    async with linking(held) as (_running, client):
        call = asyncio.ensure_future(client.stub.Score(HOLD))
        await held.arrivals.get()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await held.cancelled.wait()
        response = await client.stub.Score(pb.ScoreRequest(snapshot_id="next"))
    assert response.objectives == ["next"]


async def test_a_drain_closes_idle_links_at_once_and_busy_ones_after_their_answer() -> None:
    """Nothing waits out the grace period, and nothing is lost."""
    held, address = HeldByName(), fresh_address()
    async with (
        serving(held, links=address, grace_seconds=600) as running,
        linked_to(running.target, LinkAddress.parse(address)) as client,
        raw_link(address) as (idle, _writer),
    ):
        await client.opened()
        busy = asyncio.ensure_future(client.stub.Score(HOLD))
        await held.arrivals.get()
        stopping = asyncio.create_task(running.server.stop())
        assert await idle.read() == b""
        assert not busy.done()
        held.released.set()
        assert (await busy).objectives == ["hold"]
        await asyncio.wait_for(stopping, 60)
        assert (await outcome(client.stub.Score(REQUEST, timeout=60)))[0] == "UNAVAILABLE"
    assert client.streams == 1  # of the call that found nobody


async def test_a_busy_link_is_cut_when_the_grace_period_is_over() -> None:
    """A drain ends, whatever the calls do."""
    held = Held()
    async with linking(held, grace_seconds=0) as (running, client):
        call = asyncio.ensure_future(outcome(client.stub.Score(REQUEST)))
        await held.arrivals.get()
        await asyncio.wait_for(running.server.stop(), 60)
        await held.cancelled.wait()
        assert (await call)[0] != "OK"


@dataclass(frozen=True)
class Tried(LinkAddress):
    """An address that remembers each time that it was tried."""

    turns: list[int] = field(default_factory=list)

    async def connect(self, turn: int) -> socket.socket:
        """Connects."""
        self.turns.append(turn)
        return await super().connect(turn)


async def test_a_server_that_takes_no_links_is_called_over_streams() -> None:
    """And asked for a link again a moment later: it may have been started with them."""
    tried = Tried(name=(address := fresh_address()).removeprefix("unix-abstract:"))
    async with serving() as first, linked_to(first.target, tried) as client:
        for _ in range(3):
            await client.stub.Score(REQUEST)
        assert tried.turns == [0]
        async with serving(links=address):
            client.clock.seconds += RETRY_SECONDS
            await client.opened()
    assert tried.turns == [0, 1]


async def test_a_server_that_comes_back_is_found() -> None:
    """On the same channel; no call fails while it has been replaced."""
    address = fresh_address()
    async with serving(links=address) as first, linked_to(first.target, LinkAddress.parse(address)) as client:
        await client.opened()
        await client.stub.Score(REQUEST)
        await first.server.stop()
        await server_gone(client.channel)
        async with serving(links=address, port=first.server.port):
            client.clock.seconds += RETRY_SECONDS
            await client.channel.channel_ready()
            await client.stub.Score(REQUEST, timeout=60)
            await client.opened()
            streams = client.streams
            await client.stub.Score(REQUEST)
            assert client.streams == streams


@dataclass(frozen=True)
class InTurn(LinkAddress):
    """Addresses of several replicas, as a name has them that resolves to all."""

    replicas: tuple[LinkAddress, ...] = ()

    async def connect(self, turn: int) -> socket.socket:
        """Connects to the one whose turn it is."""
        return await self.replicas[turn % len(self.replicas)].connect(turn)


async def test_an_old_link_is_replaced_by_one_to_the_next_replica() -> None:
    """No call waits for the new one: the old one serves until it is there, and is then closed."""
    addresses = [fresh_address(), fresh_address()]
    both = InTurn(name="both", replicas=tuple(map(LinkAddress.parse, addresses)))
    async with (
        serving(Named("a"), links=addresses[0]) as first,
        serving(Named("b"), links=addresses[1]),
        linked_to(first.target, both) as client,
    ):
        await client.opened()
        seen = [(await client.stub.Score(REQUEST)).objectives[0]]
        for _ in range(3):
            client.clock.seconds += MAX_AGE
            async with asyncio.timeout(60):
                while (who := (await client.stub.Score(REQUEST)).objectives[0]) == seen[-1]:
                    pass
            seen.append(who)
    assert seen == ["a", "b", "a", "b"]
    assert client.streams == 0


async def test_what_is_asked_before_the_answer_has_come_waits_its_turn() -> None:
    """A link answers in order, whatever a client sends at once."""
    address = fresh_address()
    sent = [pb.ScoreRequest(snapshot_id=f"s{number}" * 10_000) for number in range(20)]
    async with serving(echo, links=address), raw_link(address) as (reader, writer):
        writer.write(b"".join(request_frame(SCORE, request.SerializeToString()) for request in sent))
        buffer = FrameBuffer()
        got = [await read_response(reader, buffer) for _ in sent]
    assert [pb.ScoreResponse.FromString(one.response).objectives[0] for one in got] == [
        request.snapshot_id for request in sent
    ]


async def test_a_call_begins_when_the_one_before_it_was_answered() -> None:
    """What a client sends at once is no way around the limits."""
    held, address = HeldByName(), fresh_address()
    async with serving(held, links=address) as running, raw_link(address) as (_reader, writer):
        for _ in range(2):
            writer.write(request_frame(SCORE, HOLD.SerializeToString()))
            await running.stub.Score(REQUEST)  # by then it has come
        assert await held.arrivals.get() == "hold"
        assert held.arrivals.empty()
        held.released.set()
        assert await held.arrivals.get() == "hold"


async def test_bytes_that_are_no_exchange_request_are_answered() -> None:
    """And the link goes on."""
    address = fresh_address()
    async with serving(links=address), raw_link(address) as (reader, writer):
        buffer = FrameBuffer()
        writer.write(framed(b"\xff"))
        refused = await read_response(reader, buffer)
        writer.write(request_frame(SCORE, b""))
        answered = await read_response(reader, buffer)
    assert (refused.code, refused.message) == (3, "request is no ExchangeRequest")
    assert answered.code == 0


async def test_a_message_that_is_longer_than_any_may_be_ends_its_link_alone() -> None:
    """Its length is enough to see that: nothing is kept of it."""
    address = fresh_address()
    async with serving(links=address) as running, raw_link(address) as (reader, writer):
        writer.write(struct.pack("<I", MAX_FRAME_BYTES + 1))
        with suppress(ConnectionError):  # which is an end too
            assert await reader.read() == b""
        await running.stub.Score(REQUEST)


@pytest.mark.parametrize(
    ("garbage", "code"),
    [
        (framed(b"\xff"), "INTERNAL"),
        (framed(b"") * 2, "INTERNAL"),
        (struct.pack("<I", MAX_FRAME_BYTES + 1), "RESOURCE_EXHAUSTED"),
        (b"", "OK"),  # the call goes over a stream
    ],
)
async def test_whatever_a_server_sends_over_a_link_is_a_status(garbage: bytes, code: str) -> None:
    """And the link is over: what comes next over it could be anybody's."""

    async def send_garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(garbage)
        writer.close()

    bound = await LinkAddress.parse(address := fresh_address()).bind(share_port=False)
    async with (
        await asyncio.start_unix_server(send_garbage, sock=bound),
        serving() as running,
        linked_to(running.target, LinkAddress.parse(address)) as client,
    ):
        await client.opened()
        ended = await outcome(client.stub.Score(REQUEST, timeout=60))
    assert ended[0] == code


async def test_links_are_taken_over_tcp_too() -> None:
    """Where services run on several machines."""
    address = f"127.0.0.1:{free_port()}"
    async with (
        serving(echo, links=address) as running,
        linked_to(running.target, LinkAddress.parse(address)) as client,
    ):
        await client.opened()
        large = pb.ScoreRequest(snapshot_id="s" * 3_000_000)
        assert (await client.stub.Score(large)).objectives[0] == large.snapshot_id
        assert client.streams == 0


async def test_an_address_that_is_taken_ends_the_start() -> None:
    """As with a port: half of the calls going elsewhere is no state to be in."""
    address = fresh_address()
    async with serving(links=address):
        second = build_server(answer, ProbeSettings(), links=address)
        with pytest.raises(SystemExit):
            await second.start()
        await second.grpc.stop(None)


async def test_workers_share_a_port_for_links_and_nobody_else_does() -> None:
    """The system gives each of them some; one that does not say that it shares is refused."""
    address = LinkAddress.parse(f"127.0.0.1:{free_port()}")

    def answering(name: bytes) -> LinkListener:
        async def answer_with_name(_request: bytes) -> bytes:
            return exchange_pb.ExchangeResponse(response=name).SerializeToString()

        return LinkListener(address, answer_with_name, share_port=True)

    async with AsyncExitStack() as stack:
        for name in (b"a", b"b"):
            await (listener := answering(name)).start()
            stack.push_async_callback(listener.stop, 0)
        with pytest.raises(OSError, match="in use"):
            await address.bind(share_port=False)
        async with asyncio.timeout(60):
            seen: set[bytes] = set()
            while seen != {b"a", b"b"}:
                link = Link(0.0)
                await asyncio.get_running_loop().create_connection(lambda: link, sock=await address.connect(0))  # noqa: B023 - called at once
                seen.add((await link.ask(exchange_pb.ExchangeRequest(), None)).response)
                link.close()


async def test_closing_the_channel_closes_the_links() -> None:
    """Those that idle and those in use, and no more are opened."""
    held = HeldByName()
    async with linking(held) as (_running, client):
        busy = asyncio.ensure_future(client.stub.Score(HOLD))
        await held.arrivals.get()
        await client.channel.close()
        await held.cancelled.wait()
        with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError, grpc.aio.UsageError)):
            await busy
        assert client.links.take() is None
