"""Checking every record of the log."""

from datetime import UTC, datetime
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from services.cli.event_log.folder import check_folder
from services.cli.failure import Failure
from services.cli.output import console, print_json
from shared.event_log import LogDamaged
from shared.event_log.survey import LogSurvey, SegmentSurvey, survey_log


def verify(folder: Path, as_json: bool) -> None:
    """Reads all of a log and prints what it holds: segments, records by kind, and a checksum over everything.

    Raises:
        Failure: there is no log, or it is damaged; the message names the file and the place.
    """
    check_folder(folder)
    try:
        survey = survey_log(folder)
    except LogDamaged as damaged:
        raise Failure(f"The log is damaged. {damaged}.") from damaged
    if as_json:
        print_json(_as_json(survey))
    else:
        _print(survey)


def _as_json(survey: LogSurvey) -> dict[str, object]:
    return {
        "segments": [
            {
                "name": each.segment.path.name,
                "bytes": each.whole_bytes,
                "unfinished_bytes": each.unfinished_bytes,
                "records": dict(each.records),
            }
            for each in survey.segments
        ],
        "records": dict(survey.records),
        "end": survey.end,
        "checksum": survey.checksum,
    }


def _print(survey: LogSurvey) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("segment")
    table.add_column("last written")
    for heading in ("records", "MB"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for each in survey.segments:
        written = datetime.fromtimestamp(each.segment.path.stat().st_mtime, UTC)
        table.add_row(
            escape(each.segment.path.name),
            f"{written:%Y-%m-%d %H:%M:%S} UTC",
            f"{each.records.total():,}",
            f"{each.whole_bytes / 1e6:.1f}",
            _unfinished(each),
        )
    console().print(table)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(survey.records.items())) or "none"
    console().print(f"\nRecords: {kinds}\nEnd: {survey.end}\nChecksum: {survey.checksum}", soft_wrap=True)


def _unfinished(survey: SegmentSurvey) -> str:
    if not survey.unfinished_bytes:
        return ""
    return f"and {survey.unfinished_bytes:,} bytes of a batch that is being written, or was when the process ended"
