"""What a log holds, counted and summed up."""

from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import msgspec

from shared.event_log.errors import LogDamaged
from shared.event_log.framing import ERASED, HEADER_BYTES
from shared.event_log.reader import read_frames
from shared.event_log.records import decode_record, kind_of
from shared.event_log.segments import Segment, list_segments

#: What erased records are counted as.
ERASED_KIND = "erased"


@dataclass
class SegmentSurvey:
    """One segment.

    Attributes:
        segment: Which.
        records: How many of each kind; those that were erased are a kind of their own.
        whole_bytes: Where its last whole batch ends, in bytes.
        unfinished_bytes: How many follow that: a batch that is being written, or that a crash cut short.
    """

    segment: Segment
    records: "Counter[str]"
    whole_bytes: int = 0
    unfinished_bytes: int = 0


@dataclass
class LogSurvey:
    """All of a log.

    Attributes:
        segments: In order.
        checksum: Of every byte of every whole batch, and of where the log begins: BLAKE2b, 16 bytes, as hexadecimal
            digits. Logs with the same checksum hold the same.
    """

    segments: list[SegmentSurvey]
    checksum: str

    @property
    def records(self) -> "Counter[str]":
        """How many records of each kind there are."""
        return sum((each.records for each in self.segments), Counter())

    @property
    def end(self) -> int:
        """The position after the newest record."""
        return self.segments[-1].segment.start + self.segments[-1].whole_bytes if self.segments else 0


def survey_log(folder: Path) -> LogSurvey:
    """Reads every record of a log.

    Raises:
        LogDamaged: it does not hold what was written to it.
    """
    surveys: dict[int, SegmentSurvey] = {}
    digest = blake2b(digest_size=16)
    for segment, batch in read_frames(folder):
        if not surveys:
            digest.update(segment.start.to_bytes(8, "big"))
        survey = surveys.setdefault(segment.start, SegmentSurvey(segment, Counter()))
        for end, flags, payload in batch:
            digest.update(bytes([flags]))
            digest.update(payload)
            try:
                survey.records[ERASED_KIND if flags & ERASED else kind_of(decode_record(payload))] += 1
            except msgspec.MsgspecError as error:
                offset = end - len(payload) - HEADER_BYTES
                raise LogDamaged(segment.path, offset, f"is no record of a known kind ({error})") from error
        survey.whole_bytes = batch[-1].end
    for segment in list_segments(folder)[-1:]:
        last = surveys.setdefault(segment.start, SegmentSurvey(segment, Counter()))
        last.unfinished_bytes = max(0, segment.path.stat().st_size - last.whole_bytes)
    return LogSurvey(list(surveys.values()), digest.hexdigest())
