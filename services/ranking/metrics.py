"""What ranking alone measures."""

from prometheus_client import Counter, Gauge, Histogram

from shared.metrics import LATENCY_BUCKETS

RUN_SECONDS = Histogram(
    "winnow_ranking_run_seconds", "Time of one run of the model, padding included.", buckets=LATENCY_BUCKETS
)
RUN_QUERIES = Histogram(
    "winnow_ranking_run_queries", "Queries scored in one run.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
RUN_CANDIDATES = Histogram(
    "winnow_ranking_run_candidates",
    "Candidates scored in one run, padding not counted.",
    buckets=(0, 100, 256, 500, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536),
)
NON_FINITE_SCORES = Counter(
    "winnow_ranking_non_finite_scores", "Scores that the model gave as NaN or infinity, and that were sunk."
)
MODEL_SECONDS = Counter(
    "winnow_ranking_model_seconds", "Time inside the model's runs: copying to the device, computing and copying back."
)
DEVICE_SECONDS = Counter(
    "winnow_ranking_device_seconds", "Time that runs with bound buffers took from launch until the device was done."
)
DEVICE = Gauge(
    "winnow_ranking_device_info",
    "1 for the device that the newest ranker runs on.",
    ["device"],
    multiprocess_mode="livemax",
)
DEVICE_ABSENT = Gauge(
    "winnow_ranking_demanded_device_absent",
    "1 while the device that RANKING_DEVICE demands cannot be used.",
    multiprocess_mode="livemax",
)
PRECISION = Gauge(
    "winnow_ranking_precision_info",
    "1 for the precision that the newest ranker has.",
    ["precision"],
    multiprocess_mode="livemax",
)
PRECISION_ABSENT = Gauge(
    "winnow_ranking_demanded_precision_absent",
    "1 while the precision that RANKING_PRECISION demands is not in the newest snapshot, and fp32 is served.",
    multiprocess_mode="livemax",
)
CAPTURED_GRAPHS = Gauge(
    "winnow_ranking_cuda_graphs",
    "Shapes for which the newest ranker replays a captured CUDA graph.",
    multiprocess_mode="livemax",
)
