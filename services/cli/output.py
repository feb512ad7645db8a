"""What commands print: results on stdout, all else on stderr, so that output can be piped."""

import json
import sys
from typing import Any

import structlog
from rich.console import Console

# A pipe has no width of its own; tables should not be squeezed into the 80 columns that rich would take.
_PIPE_WIDTH = 160


def console() -> Console:
    """Returns where results for people go."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def remarks() -> Console:
    """Returns where progress and remarks go."""
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _PIPE_WIDTH)


def log_to_stderr() -> None:
    """Sends what the job of a command logs to stderr, where its remarks are: stdout is for its result."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


def print_json(value: Any) -> None:
    """Writes `value` to stdout as one indented JSON document."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
