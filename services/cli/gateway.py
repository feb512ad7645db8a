"""Calls to a gateway, with failures that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.cli.failure import Failure
from winnow.client import (
    DeadlineExceeded,
    InvalidArgument,
    NotFound,
    Overloaded,
    Unavailable,
    WinnowClient,
    WinnowError,
)


@contextmanager
def calling(target: str | None, seconds: float) -> Iterator[WinnowClient]:
    """Gives a client of the gateway.

    Raises:
        Failure: a call within the context failed.
    """
    with WinnowClient(target, timeout=seconds) as client:
        try:
            yield client
        except WinnowError as error:
            raise Failure(_sentence(error, client.target.removeprefix("dns:///"), seconds)) from error


def _sentence(error: WinnowError, target: str, seconds: float) -> str:
    match error:
        case Unavailable():
            why = f": {error.message}" if error.reason else ""  # without a reason, the words are the transport's
            return (
                f"The gateway at {target} cannot be reached or is not ready{why}. "
                "Start the suite with `winnow run` or `winnow serve`, or name another gateway with --target."
            )
        case DeadlineExceeded():
            return f"The gateway at {target} did not answer within {seconds:g} s. Give it longer with --timeout."
        case InvalidArgument():
            return f"The gateway refused the request: {error.message}."
        case NotFound():
            return f"Not found: {error.message}."
        case Overloaded():
            if_full = "The catalogue takes no more new items", "Train a snapshot with them, by `winnow train`"
            if_busy = f"The gateway at {target} has too much to do", "Try again later"
            problem, advice = if_full if error.reason == "TOO_MANY_LIVE_ITEMS" else if_busy
            return f"{problem} ({error.message}). {advice}."
    return f"The gateway at {target} failed: {error.message} ({error.code.name})."
