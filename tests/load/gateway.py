"""Calls to a real gateway, without retries: what fails is to be counted."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from shared.poller import let_the_loop_go_first
from tests.load.driver import Call, Send
from tests.load.tally import Outcome
from winnow.gateway.v1 import gateway_service_pb2 as pb
from winnow.gateway.v1.gateway_service_pb2_grpc import GatewayServiceStub


@asynccontextmanager
async def gateway(target: str, seconds: float) -> AsyncIterator[Send]:
    """Connects to a gateway; gives what sends calls to it, each with a deadline of `seconds`."""
    async with grpc.aio.insecure_channel(target, options=[("grpc.enable_retries", 0)]) as channel:
        stub = GatewayServiceStub(channel)
        let_the_loop_go_first()
        methods: dict[str, Any] = {
            "recommend": stub.Recommend,
            "similar": stub.RecommendSimilar,
            "record": stub.RecordEvents,
        }

        async def send(call: Call) -> Outcome:
            try:
                response = await methods[call.rpc](call.request, timeout=seconds)
            except grpc.aio.AioRpcError as error:
                return Outcome(error.code().name)
            if call.rpc == "record":
                return Outcome("OK")
            return Outcome("OK", tuple(map(_stage, response.degradations)), response.snapshot_id)

        yield send


def is_loopback(target: str) -> bool:
    """Whether every address of a gRPC target is on this machine; an unresolvable name is not."""
    if target.startswith("unix:"):
        return True
    addresses = target.removeprefix("dns:").removeprefix("ipv4:").removeprefix("ipv6:").lstrip("/")
    return all(_is_local_host(address) for address in addresses.split(","))


def _is_local_host(address: str) -> bool:
    host = address.rsplit(":", 1)[0].strip("[]")
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(ipaddress.ip_address(info[4][0]).is_loopback for info in found)


def _stage(degradation: pb.Degradation) -> str:
    try:
        return pb.Stage.Name(degradation.stage).removeprefix("STAGE_").lower()
    except ValueError:  # a newer server may know more
        return f"unknown_{degradation.stage}"
