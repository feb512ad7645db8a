"""Several clients in one process."""

import asyncio
import sys

from tests.contract.client import many_clients
from tests.contract.client.fake_gateway import FakeGateway, serving


async def test_a_process_may_have_a_client_in_each_thread() -> None:
    """Each has its own connections; over those that gRPC shares among channels, such a process is ended by SIGSEGV."""
    gateway = FakeGateway()
    async with serving(gateway) as target:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", many_clients.__name__, target)
        status = await process.wait()
    assert status == 0
    assert len(gateway.received) == len(gateway.peers) == many_clients.THREADS * many_clients.ROUNDS
