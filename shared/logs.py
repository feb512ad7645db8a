"""Logs: one JSON object a line on stdout, each with the id of the request that it belongs to."""

import faulthandler
import logging
import random
import sys
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

import msgspec
import structlog

from shared import tracing
from shared.failures import describe
from shared.workers.role import WorkerRole

#: The id of the request in progress; it travels between services as the metadata `x-request-id`.
request_id: ContextVar[str] = ContextVar("request_id", default="")

REQUEST_ID_KEY = "x-request-id"
MAX_REQUEST_ID_LENGTH = 128

# Ids must differ, not be hard to guess, and this one needs no system call: a call that came without an id would spend a
# twentieth of what surrounds it on `uuid4`. Each process seeds it from the system.
_random = random.Random()  # noqa: S311


def new_request_id() -> str:
    """Returns an id for a request that came without one."""
    return f"{_random.getrandbits(128):032x}"


def incoming_request_id(metadata: Iterable[tuple[str, str | bytes]] | None) -> str:
    """Returns the id that a request came with, or a new one. A batch comes with the ids of all its requests."""
    given = [
        value
        for key, value in metadata or ()
        if key == REQUEST_ID_KEY and isinstance(value, str) and 0 < len(value) <= MAX_REQUEST_ID_LENGTH
    ]
    return ",".join(given) or new_request_id()


def configure_logs(service: str, level: str) -> None:
    """Sends the logs of this process to stdout as JSON lines; what libraries log goes the same way.

    A crash in native code, of which there is much in every service, leaves on stderr where each thread was.

    Args:
        service: The name in every line, such as `recall`; a worker's number follows it.
        level: The least severe level that is written: debug, info, warning or error.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    origin: dict[str, str | int] = {"service": service}
    if (role := WorkerRole.of_this_process()) is not None:
        origin["worker"] = role.number

    def add_origin(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event.update(origin)
        if identity := request_id.get():
            event["request_id"] = identity
        if trace := tracing.trace_id():
            event["trace_id"] = trace
        return event

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            add_origin,
            structlog.processors.format_exc_info,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_ForwardToStructlog()], level=max(number, logging.WARNING), force=True)
    logging.captureWarnings(True)
    if sys.__stderr__ is not None and not faulthandler.is_enabled():
        faulthandler.enable(sys.__stderr__)


def _render(_logger: object, _method: str, event: structlog.typing.EventDict) -> bytes:
    return msgspec.json.encode(event, enc_hook=repr)


class _ForwardToStructlog(logging.Handler):
    """Writes what libraries log through the standard library in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception:  # a library's format string does not fit its arguments; that must not break its caller
            self.handleError(record)
            return
        log: Any = structlog.get_logger()
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)  # structlog knows no others
        # gRPC and asyncio tell so of what failed in a request, whose text may quote it.
        failed = record.exc_info[1] if record.exc_info else None
        told = {} if failed is None else {"exception": describe(failed)}
        log.log(level, message, logger=record.name, **told)
