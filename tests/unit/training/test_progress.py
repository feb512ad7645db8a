"""Progress."""

import io

import structlog
from rich.console import Console
from structlog.testing import capture_logs

from services.training.progress import Bars, LogLines, Silence, display_for


def console(terminal: bool) -> Console:
    """Returns a console that writes to memory."""
    return Console(file=io.StringIO(), force_terminal=terminal, width=160)


def test_the_display_suits_where_it_is_shown() -> None:
    """Bars on a terminal, log lines elsewhere, and nothing when quiet is asked for, wherever that is."""
    assert isinstance(display_for(console(terminal=True), quiet=False), Bars)
    assert isinstance(display_for(console(terminal=False), quiet=False), LogLines)
    assert isinstance(display_for(console(terminal=True), quiet=True), Silence)


def test_log_lines_tell_of_what_has_something_to_say() -> None:
    """Steps with a note are logged, steps without are not, and the end of a stage is, with its time."""
    structlog.reset_defaults()
    with capture_logs() as lines, LogLines().stage("fit", steps=3) as advance:
        advance("")
        advance("loss 1")

    assert [line.get("note", "end") for line in lines] == ["loss 1", "end"]
    assert lines[-1]["stage"] == "fit"
    assert lines[-1]["seconds"] >= 0


def test_bars_show_the_stage_and_its_latest_note() -> None:
    """The name, the count and the note are on the terminal; steps without a note keep the last one."""
    shown = console(terminal=True)
    with Bars(shown).stage("fit", steps=2) as advance:
        advance("loss 1")
        advance("")

    output = shown.file.getvalue()  # type: ignore[attr-defined]
    assert "fit" in output
    assert "2/2" in output
    assert output.count("loss 1") >= 1


def test_silence_shows_nothing() -> None:
    """Its stages can be advanced all the same."""
    with capture_logs() as lines, Silence().stage("fit", steps=1) as advance:
        advance("loss 1")

    assert lines == []
