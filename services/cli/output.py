"""What commands print: results on stdout, all else on stderr, so that output can be piped."""

import json
import sys
from typing import Any

from rich.console import Console


def console() -> Console:
    """Returns where tables for people go."""
    return Console(highlight=False)


def remarks() -> Console:
    """Returns where progress and remarks go."""
    return Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Writes `value` to stdout as one indented JSON document."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
