"""Every line of a process's log is one JSON object, whoever wrote it."""

import json
import signal
import subprocess
import sys
from typing import Any

import pytest

START = """
import logging, warnings, structlog
from shared import logs
logs.configure_logs("probe", {level!r})
log = structlog.get_logger()
library = logging.getLogger("some.library")
"""


def logged(program: str, level: str = "info") -> list[dict[str, Any]]:
    """Runs a program in a process of its own, where logging can be configured for good, and returns its log."""
    done = subprocess.run(
        [sys.executable, "-c", START.format(level=level) + program], capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_line_says_what_when_and_where() -> None:
    """Event, values, level, time in UTC and service; no request id where no request is in progress."""
    (line,) = logged("log.info('snapshot loaded', seconds=1.5, held=['a', 'b'])")
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "snapshot loaded", "seconds": 1.5, "held": ["a", "b"], "level": "info", "service": "probe",
    }  # fmt: skip


def test_a_line_names_the_request_in_progress() -> None:
    """What is logged while a request is worked on has its id, libraries' lines included."""
    lines = logged("logs.request_id.set('id-1'); log.info('ours'); library.warning('theirs')")
    assert [line["request_id"] for line in lines] == ["id-1", "id-1"]


def test_less_severe_lines_are_left_out() -> None:
    """The level is the least severe that is written."""
    lines = logged("log.info('a'); log.warning('b'); library.warning('c'); library.error('d')", level="error")
    assert [line["event"] for line in lines] == ["d"]


def test_debug_does_not_ask_libraries_to_talk() -> None:
    """Debug shows our own lines; a library's chatter would drown them."""
    lines = logged("log.debug('a'); library.debug('b'); library.info('c'); library.warning('d')", level="debug")
    assert [line["event"] for line in lines] == ["a", "d"]


def test_an_exception_is_one_line() -> None:
    """The traceback is a value of the object, not lines of its own."""
    program = """
try:
    1 / 0
except ZeroDivisionError as error:
    log.exception("failed")
    library.exception("failed")
    log.error("failed", exc_info=error)
"""
    lines = logged(program)
    assert len(lines) == 3
    ours, librarys, given = (line["exception"] for line in lines)
    assert ours.endswith("ZeroDivisionError: division by zero")
    assert given.endswith("ZeroDivisionError: division by zero")
    # A library's text may quote the request that it failed in.
    assert librarys.startswith("ZeroDivisionError at <string>")


@pytest.mark.parametrize(("number", "level"), [("35", "warning"), ("logging.CRITICAL", "critical"), ("99", "critical")])
def test_a_librarys_line_has_the_same_form(number: str, level: str) -> None:
    """Its logger is named, its arguments are filled in, and levels of its own go as the one below."""
    (line,) = logged(f"library.log({number}, 'lost %d of %d', 2, 3)")
    assert (line["event"], line["logger"], line["level"]) == ("lost 2 of 3", "some.library", level)


def test_a_librarys_broken_line_does_not_break_its_caller() -> None:
    """A format string that does not fit its arguments is a library's fault that must not fail a request."""
    (line,) = logged("library.error('lost %d', 'x'); log.info('went on')")
    assert line["event"] == "went on"


def test_a_warning_is_logged() -> None:
    """What libraries warn of goes the same way."""
    (line,) = logged("warnings.warn('old ways')")
    assert "UserWarning: old ways" in line["event"]


def test_a_value_that_json_does_not_have_is_logged_by_its_representation() -> None:
    """A line must never fail for what it holds."""
    (line,) = logged("log.info('odd', value=object, nan=float('nan'))")
    assert (line["value"], line["nan"]) == ("<class 'object'>", None)


def test_request_ids_do_not_repeat() -> None:
    """Two requests that came without an id are told apart."""
    lines = logged("log.info('ids', a=logs.new_request_id(), b=logs.new_request_id())")
    assert lines[0]["a"] != lines[0]["b"]


def test_a_crash_in_native_code_says_where() -> None:
    """It cannot be logged any more: the process is over, with a trace beside the log."""
    program = (
        START.format(level="info") + "import os, signal\ndef crash(): os.kill(os.getpid(), signal.SIGSEGV)\ncrash()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGSEGV
    assert "Segmentation fault" in done.stderr
    assert "in crash" in done.stderr
    assert done.stdout == ""
