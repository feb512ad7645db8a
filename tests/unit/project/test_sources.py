"""Habits that hold for every file."""

import re
from pathlib import Path

from tests.unit.project.sources import ROOT, is_generated, tracked_files

MAX_LINES = 350

#: A folder of the machine that somebody works on.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|Users|home/[a-z]\w*)/")


def texts() -> list[tuple[Path, str]]:
    """Returns every tracked text with its path below the root."""
    found = []
    for path in tracked_files():
        try:
            found.append((path.relative_to(ROOT), path.read_text("utf-8")))
        except UnicodeDecodeError:  # a picture
            continue
    return found


def test_no_file_is_too_long_to_take_in() -> None:
    """One idea a file; what grows beyond that is two."""
    long = {
        str(path): text.count("\n")
        for path, text in texts()
        if path.suffix == ".py" and not is_generated(path) and text.count("\n") > MAX_LINES
    }
    assert long == {}


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    """A path that exists here exists nowhere else."""
    lines = [f"{path}: {line}" for path, text in texts() for line in text.splitlines() if MACHINE_PATH.search(line)]
    assert lines == []
