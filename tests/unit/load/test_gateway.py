"""The load generator against a gateway in this process."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import grpc

from tests.contract.client.fake_gateway import FakeGateway, Refusal, Stall, serving
from tests.load.driver import Call
from tests.load.gateway import gateway
from tests.load.tally import Outcome
from winnow.gateway.v1 import gateway_service_pb2 as pb

RECOMMEND = Call("recommend", pb.RecommendRequest(user_id="u"))


async def test_an_answer_tells_its_snapshot_and_what_it_does_without() -> None:
    """Stages by name, one for each degradation."""
    fake = FakeGateway()
    fake.degradations = [pb.Degradation(stage=pb.STAGE_RECALL, reason=pb.DEGRADATION_REASON_ERROR, channel="content")]
    async with serving(fake) as target, gateway(target, 5) as send:
        assert await send(RECOMMEND) == Outcome("OK", ("recall",), "snapshot-1")


async def test_every_rpc_of_the_mix_can_be_called() -> None:
    """An event has no snapshot."""
    async with serving(FakeGateway()) as target, gateway(target, 5) as send:
        similar = await send(Call("similar", pb.RecommendSimilarRequest(item_id="i")))
        record = await send(Call("record", pb.RecordEventsRequest(events=[pb.Event()])))
    assert (similar, record) == (Outcome("OK", (), "snapshot-1"), Outcome("OK"))


async def test_an_error_is_counted_and_not_retried() -> None:
    """Not even UNAVAILABLE: what callers would see without luck is what is measured."""
    fake = FakeGateway()
    fake.outcomes.append(Refusal(grpc.StatusCode.UNAVAILABLE))
    async with serving(fake) as target, gateway(target, 5) as send:
        assert await send(RECOMMEND) == Outcome("UNAVAILABLE")
    assert len(fake.received) == 1


async def test_a_call_has_a_deadline() -> None:
    """A gateway that hangs does not hold the run."""
    fake = FakeGateway()
    fake.outcomes.append(Stall(asyncio.Event(), asyncio.Event()))
    async with serving(fake) as target, gateway(target, 0.05) as send:
        assert await send(RECOMMEND) == Outcome("DEADLINE_EXCEEDED")


async def test_the_command_measures_and_writes_json(tmp_path: Path) -> None:
    """The whole of it, over two processes: every call arrives and every one is counted."""
    fake = FakeGateway()
    fake.outcomes.extend([Refusal(grpc.StatusCode.INTERNAL)] * 3)
    out = tmp_path / "load.json"
    arguments = ["--in-flight", "4", "--requests", "40", "--warmup", "0", "--processes", "2", "--users", "1-50"]
    async with serving(fake) as target:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.load", "--target", target, *arguments, "--out", str(out)),
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await process.communicate()
    result = json.loads(out.read_text())
    assert process.returncode == 0
    assert b"37 of 40 calls answered" in printed
    assert len(fake.received) == result["calls"] == 40
    assert result["statuses"] == {"OK": 37, "INTERNAL": 3}
    assert result["measured_with"]["processes"] == 2


async def test_a_run_without_an_answer_fails() -> None:
    """Status 1, for a script to see."""
    async with serving(FakeGateway()) as target:
        pass
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.load", "--target", target, "--requests", "5", "--warmup", "0", "--users", "1-5"),
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 1
    assert b"UNAVAILABLE: 5 (100.00%)" in printed
