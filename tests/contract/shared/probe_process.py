"""The probe as a process of its own: `python -m tests.contract.shared.probe_process`.

A call whose snapshot_id is "hold" is answered once a line comes on stdin; "fail" fails unexpectedly.
"""

import asyncio
import sys

import structlog
import uvloop

from shared.logs import configure_logs
from tests.contract.shared.probe import Context, ProbeSettings, build_server
from winnow.ranking.v1 import ranking_service_pb2 as pb

log = structlog.get_logger()


async def behave(request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
    """Does what the request says."""
    if request.snapshot_id == "hold":
        log.info("held")
        await asyncio.to_thread(sys.stdin.readline)
    elif request.snapshot_id == "fail":
        raise RuntimeError("password=hunter2")
    return pb.ScoreResponse()


async def serve(settings: ProbeSettings) -> None:
    """Serves, ready at once, until a signal."""
    ready = asyncio.Event()
    ready.set()
    await build_server(behave, settings).run(ready)


def main() -> None:
    """Starts as a service does."""
    settings = ProbeSettings.load()
    configure_logs("probe", settings.log_level)
    uvloop.run(serve(settings))


if __name__ == "__main__":
    main()
