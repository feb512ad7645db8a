"""What the gateway alone measures; what every service measures stands in `shared.metrics`."""

from prometheus_client import Counter, Gauge, Histogram

from services.gateway.answer import Answer
from services.gateway.degradation import Stage
from shared.metrics import LATENCY_BUCKETS

STAGE_SECONDS = Histogram(
    "winnow_gateway_stage_seconds",
    "Wall-clock time of a stage, waiting for a neighbour included.",
    ["stage"],
    buckets=LATENCY_BUCKETS,
)
ANSWERS = Counter("winnow_gateway_answers", "Answers by whether something was done without.", ["degraded"])
DEGRADATIONS = Counter("winnow_gateway_degradations", "Stages that answers did without.", ["stage", "reason"])
BACKFILLED = Counter("winnow_gateway_backfilled_items", "Recommended items that no channel had found.")
FILTERED = Counter("winnow_gateway_filtered_items", "Candidates that a filter removed.", ["filter"])
BATCH_QUESTIONS = Histogram(
    "winnow_gateway_batch_questions",
    "Questions that went to a neighbour in one call.",
    ["method"],
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
EXPERIMENT_ANSWERS = Counter("winnow_gateway_experiment_answers", "Answers of each arm of an experiment.", ["arm"])
EXPERIMENT_SKIPPED = Counter(
    "winnow_gateway_experiment_skipped", "Answers without an arm, because its snapshot is not held.", ["arm"]
)
EXPOSURES_LOGGED = Counter("winnow_gateway_exposures_logged", "Answers that are in the exposure log.")
EXPOSURES_DROPPED = Counter("winnow_gateway_exposures_dropped", "Answers that could not be logged.", ["reason"])
ITEM_FEED_READ = Gauge(
    "winnow_gateway_item_feed_read_timestamp_seconds",
    "When the changes of items were last read, of several workers by the one that is furthest behind.",
    multiprocess_mode="livemin",
)

# Looking a series up by its label costs as much as adding to it, several times a request.
_SECONDS_OF = {stage: STAGE_SECONDS.labels(stage.value) for stage in Stage}
_ANSWERS_OF = {degraded: ANSWERS.labels(str(degraded).lower()) for degraded in (False, True)}


def count(answer: Answer) -> None:
    """Adds an answer to the metrics."""
    _ANSWERS_OF[bool(answer.degradations)].inc()
    if answer.arm:
        EXPERIMENT_ANSWERS.labels(answer.arm).inc()
    for stage, seconds in answer.timings:
        _SECONDS_OF[stage].observe(seconds)
    for degradation in answer.degradations:
        DEGRADATIONS.labels(degradation.stage.value, degradation.reason.value).inc()
    for name, removed in answer.removed.items():
        if removed:
            FILTERED.labels(name).inc(removed)
    if backfilled := sum(item.backfilled for item in answer.items):
        BACKFILLED.inc(backfilled)
