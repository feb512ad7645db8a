"""What a log may say of an exception that was not expected: where it came from and of what kind it is, never its text.

Texts quote what was worked on, such as `KeyError: 'user-42'`, and nothing of a user is to be in a log.
"""

from pathlib import Path
from traceback import FrameSummary, extract_tb


def describe(error: BaseException) -> str:
    """Returns the kind of an exception, of what caused it, and the calls that led to each, the innermost last."""
    described = []
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        places = " > ".join(_place(frame) for frame in extract_tb(cause.__traceback__))
        described.append(f"{_kind(cause)} at {places}" if places else _kind(cause))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "; from ".join(described)


def _kind(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _place(frame: FrameSummary) -> str:
    return f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
