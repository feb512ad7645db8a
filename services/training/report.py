"""What came out of a training job, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

import msgspec

from services.training.annoy_index import IndexFit
from services.training.evaluation import Quality
from shared.snapshot.manifest import SearchPoint

_PACKAGES = ("annoy", "numpy", "onnx", "onnxruntime-gpu", "scikit-learn", "torch")

#: Features of the ranker that the page shows.
_IMPORTANCES = 20


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a training job.

    Attributes:
        snapshot: Id of the snapshot.
        dataset: Name of the data set.
        sizes: How many items, users, interactions and queries of each part there are.
        quality: By part (validation, test), then by stage, then by metric.
        objectives: By part, then by objective of the ranker but the first: the area under its ROC curve on what followed, and of
            which share of that it is true; empty for a ranker with one objective.
        channels: By channel: its share of the candidates, and, as shares of test queries, how many targets are among the
            candidates with it alone, and how many more for having it beside the others.
        merge: How many targets of validation queries are among the candidates with the configured and with the learned quotas;
            empty where the quotas are as configured.
        indexes: By channel: the index, how it is searched, and what that loses against exact search.
        curves: By channel: what searches of rising depth find of exact search's unseen items.
        onnx_deviation: Largest absolute difference between the exported graphs and the modules.
        variants: By precision of the ranker: how far it agrees with the full one, and whether it was kept (1).
        left_out: By precision: why it was not kept, and by how much.
        epochs: By model: the validation NDCG@10 after every epoch.
        importances: By feature of the ranker: its share of what was learned, the largest first; empty for a model that does
            not know.
        seconds: Wall time by stage of the job; `total` is all of it.
        cpu_seconds: Processor time of the whole job.
        computed_on: Device, precision and number of the processes that models descended in.
        versions: Of the packages that determine the result.
        configuration: Every choice, by dotted name.
    """

    snapshot: str
    dataset: str
    sizes: dict[str, int]
    quality: dict[str, dict[str, dict[str, float]]]
    objectives: dict[str, dict[str, dict[str, float]]] = {}
    channels: dict[str, dict[str, float]] = {}
    merge: dict[str, float] = {}
    indexes: dict[str, dict[str, float]]
    curves: dict[str, tuple[SearchPoint, ...]]
    onnx_deviation: float
    variants: dict[str, dict[str, float]] = {}
    left_out: dict[str, str] = {}
    epochs: dict[str, list[float]]
    importances: dict[str, float] = {}
    seconds: dict[str, float]
    cpu_seconds: float
    computed_on: str = ""
    versions: dict[str, str]
    configuration: dict[str, str | int | float | bool]

    def metrics(self) -> dict[str, float]:
        """Returns the quality by dotted name, such as `test.ranked.ndcg@10` or `test.like.auc`."""
        return {
            f"{part}.{stage}.{metric}": value
            for judged in (self.quality, self.objectives)
            for part, stages in judged.items()
            for stage, values in stages.items()
            for metric, value in values.items()
        }

    def to_json(self) -> bytes:
        """Returns the report as indented JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)

    def to_markdown(self) -> str:
        """Returns the report as a page with tables."""
        lines = [
            f"# Snapshot {self.snapshot}",
            "",
            f"Trained on {self.dataset}: " + ", ".join(f"{count:,} {name}" for name, count in self.sizes.items()) + ".",
            "",
            "Each metric is a mean over users with one held-out item each, ranked among the full catalogue with the",
            "user's history masked. Validation decided when to stop; test decided nothing.",
            "",
        ]
        for part, stages in self.quality.items():
            lines += [f"## {part.capitalize()}", "", *_table("stage", stages, "{:.4f}"), ""]
            if objectives := self.objectives.get(part):
                lines += [
                    "Of what followed, what people made of it:",
                    "",
                    *_table("objective", objectives, "{:.4f}"),
                    "",
                ]
        lines += self._channel_lines()
        lines += ["## Indexes", "", *_table("channel", self.indexes, "{:.4g}"), ""]
        for channel, curve in self.curves.items():
            rows = {
                f"{point.search_k:,}": {"recall": point.recall, "milliseconds": point.milliseconds} for point in curve
            }
            lines += [
                f"Recall of the index of {channel} against exact search, for {curve[0].neighbours} unseen items:",
                "",
                *_table("search_k", rows, "{:.4g}"),
                "",
            ]
        if self.variants:
            lines += ["## The ranker in lower precisions", "", *_table("precision", self.variants, "{:.4g}"), ""]
            lines += [f"{precision} was left out: {reason}." for precision, reason in self.left_out.items()]
            lines += [""] if self.left_out else []
        lines += self._importance_lines()
        lines += ["## Times", "", *_table("stage", {k: {"seconds": v} for k, v in self.seconds.items()}, "{:.1f}"), ""]
        lines += [
            f"Processor time: {self.cpu_seconds:.0f} s on {self.configuration['threads']} threads. "
            f"Models descended on {self.computed_on or 'cpu'}. Seed: {self.configuration['seed']}. "
            f"Largest deviation of the exported graphs: {self.onnx_deviation:.1e}.",
            "",
            "Versions: " + ", ".join(f"{name} {number}" for name, number in self.versions.items()) + ".",
        ]
        return "\n".join(lines) + "\n"

    def _importance_lines(self) -> list[str]:
        if not self.importances:
            return []
        shown = dict(list(self.importances.items())[:_IMPORTANCES])
        rows = {name: {"share": share} for name, share in shown.items()}
        return [
            "## What the ranker looks at",
            "",
            f"By how much splits on a feature made the loss smaller: the {len(rows)} largest shares of "
            f"{len(self.importances)}.",
            "",
            *_table("feature", rows, "{:.1%}"),
            "",
        ]

    def _channel_lines(self) -> list[str]:
        if not self.channels:
            return []
        lines = [
            "## Channels",
            "",
            f"Of the test's items, how many are among the {self.configuration['candidates']} candidates: with the channel alone, and how many more for "
            "having it beside the others.",
            "",
            *_table("channel", self.channels, "{:.4f}"),
            "",
        ]
        if self.merge:
            lines += [
                f"The quotas were chosen on {self.merge['queries']:,.0f} validation queries: {self.merge['learned']:.4f} of their "
                f"items are among the candidates; with the configured quotas, {self.merge['configured']:.4f}.",
                "",
            ]
        return lines


def quality_table(quality: Mapping[str, Mapping[str, Quality]]) -> dict[str, dict[str, dict[str, float]]]:
    """Returns the quality of each part and stage by the metrics' names."""
    return {part: {stage: value.named() for stage, value in stages.items()} for part, stages in quality.items()}


def index_table(indexes: Mapping[str, IndexFit]) -> dict[str, dict[str, float]]:
    """Returns what is known about the index of each channel."""
    return {
        channel: {"trees": fit.trees, "search_k": fit.search_k, "loss": fit.loss, "milliseconds": fit.milliseconds}
        for channel, fit in indexes.items()
    }


def curve_table(indexes: Mapping[str, IndexFit]) -> dict[str, tuple[SearchPoint, ...]]:
    """Returns the measured curve of each channel."""
    return {channel: fit.curve for channel, fit in indexes.items() if fit.curve}


def package_versions() -> dict[str, str]:
    """Returns the versions of the packages that determine the result."""
    return {name: version(name) for name in _PACKAGES}


def _table(corner: str, rows: Mapping[str, Mapping[str, float]], form: str) -> list[str]:
    columns = list(next(iter(rows.values()), {}))
    lines = ["| " + " | ".join([corner, *columns]) + " |", "|---|" + "---:|" * len(columns)]
    lines += ["| " + " | ".join([name, *(form.format(row[c]) for c in columns)]) + " |" for name, row in rows.items()]
    return lines
