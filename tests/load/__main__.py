"""`python -m tests.load`: load a running gateway and print what its callers saw."""

from __future__ import annotations

import json
import sys

from tests.load.arguments import read_arguments
from tests.load.report import as_json, as_lines
from tests.load.worker import run_all


def main() -> int:
    """Runs the command line of this process; returns 1 when nothing was answered."""
    options = read_arguments()
    tally = run_all(options.plans)
    sys.stdout.writelines(f"{line}\n" for line in as_lines(tally))
    if options.out is not None:
        options.out.write_text(json.dumps(as_json(tally, options.described), indent=1) + "\n")
    return 0 if tally.answers else 1


if __name__ == "__main__":
    sys.exit(main())
