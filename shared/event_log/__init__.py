"""What happened, in order and for good: the log that the feature store writes and training reads.

`EventLog` writes it, `read_log` reads it, `records` says what is in it, `framing` and `segments` how it lies on disk.
"""

from shared.event_log.erasure import Erasure
from shared.event_log.errors import LogBroken, LogDamaged
from shared.event_log.log import EventLog
from shared.event_log.reader import read_log

__all__ = ["Erasure", "EventLog", "LogBroken", "LogDamaged", "read_log"]
