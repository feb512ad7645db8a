"""What goes wrong with an offline store or a log, as a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.cli.failure import Failure
from services.training.offline.errors import OfflineStoreError
from shared.event_log import LogDamaged


@contextmanager
def sentences() -> Iterator[None]:
    """Runs what may fail.

    Raises:
        Failure: it did, for a reason that a person can do something about.
    """
    try:
        yield
    except (OfflineStoreError, LogDamaged) as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"{error.filename or 'A file'}: {error.strerror or error}.") from error
