"""From the contract's exposures to records of the log; every limit of the contract is checked here."""

import math

from services.feature_store.limits import MAX_EVENT_ID_BYTES, MAX_ID_BYTES, check_count, check_text, check_time
from shared.errors import InvalidArgument
from shared.event_log.records import ExposureRecord
from shared.user_ids import UserIds
from winnow.feature_store.v1 import feature_store_service_pb2 as messages

MAX_EXPOSURES = 1_024
MAX_SHOWN_ITEMS = 100
#: As many as there are bits in `found_by`.
MAX_CHANNELS = 32
MAX_STAGES = 16
#: Of an arm, a channel or a stage.
MAX_LABEL_BYTES = 256


def read_exposures(request: messages.LogExposuresRequest, ids: UserIds) -> list[ExposureRecord]:
    """Returns the exposures of a request.

    Args:
        request: The request.
        ids: Turns users' ids into those they are stored under.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    check_count("exposures", len(request.exposures), MAX_EXPOSURES)
    return [_read_exposure(f"exposures[{place}]", exposure, ids) for place, exposure in enumerate(request.exposures)]


def _read_exposure(field: str, exposure: messages.Exposure, ids: UserIds) -> ExposureRecord:
    check_text(f"{field}.request_id", exposure.request_id, MAX_EVENT_ID_BYTES)
    check_text(f"{field}.user_id", exposure.user_id, MAX_ID_BYTES, required=False)
    check_text(f"{field}.snapshot_id", exposure.snapshot_id, MAX_ID_BYTES)
    check_text(f"{field}.experiment_arm", exposure.experiment_arm, MAX_LABEL_BYTES, required=False)
    check_time(f"{field}.shown_at_ms", exposure.shown_at_ms)
    record = ExposureRecord(
        request_id=exposure.request_id,
        user_id=ids.stored(exposure.user_id),
        snapshot_id=exposure.snapshot_id,
        arm=exposure.experiment_arm,
        shown_at_ms=exposure.shown_at_ms,
        item_ids=tuple(exposure.item_ids),
        scores=tuple(exposure.scores),
        propensities=tuple(exposure.propensities),
        channels=tuple(exposure.channels),
        found_by=tuple(exposure.found_by),
        degraded=tuple(exposure.degraded_stages),
    )
    _check_items(field, record)
    _check_labels(f"{field}.channels", record.channels, MAX_CHANNELS)
    _check_labels(f"{field}.degraded_stages", record.degraded, MAX_STAGES)
    return record


def _check_items(field: str, record: ExposureRecord) -> None:
    items = len(record.item_ids)
    check_count(f"{field}.item_ids", items, MAX_SHOWN_ITEMS)
    for place, item_id in enumerate(record.item_ids):
        check_text(f"{field}.item_ids[{place}]", item_id, MAX_ID_BYTES)
    columns = {"scores": record.scores, "propensities": record.propensities, "found_by": record.found_by}
    for name, column in columns.items():
        if len(column) != items:
            raise InvalidArgument(f"{field}.{name}", f"holds {len(column)} where item_ids holds {items}")
    for place, score in enumerate(record.scores):
        if not math.isfinite(score):
            raise InvalidArgument(f"{field}.scores[{place}]", "must not be NaN or infinity")
    for place, propensity in enumerate(record.propensities):
        if not 0 < propensity <= 1:
            raise InvalidArgument(f"{field}.propensities[{place}]", "must be above 0 and at most 1")
    for place, bits in enumerate(record.found_by):
        if bits >> len(record.channels):
            raise InvalidArgument(f"{field}.found_by[{place}]", "has a bit that no channel stands for")


def _check_labels(field: str, labels: tuple[str, ...], limit: int) -> None:
    if len(labels) > limit:
        raise InvalidArgument(field, f"holds {len(labels)}; at most {limit} are allowed")
    for place, label in enumerate(labels):
        check_text(f"{field}[{place}]", label, MAX_LABEL_BYTES)
