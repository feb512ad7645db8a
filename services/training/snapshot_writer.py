"""Writing the fitted models as the files of a snapshot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from services.training.annoy_index import IndexFit, build_index, fit_search, measure_curve
from services.training.catalogue import catalogue_of
from services.training.config import TrainingConfig
from services.training.content.export import projection_entry, write_content_projection
from services.training.datasets import Dataset
from services.training.evaluation import RankedQueries
from services.training.export import export_encoder, export_ranker
from services.training.golden import compute_golden, golden_batches, replay
from services.training.models import Features, FittedModels
from services.training.progress import ProgressDisplay
from services.training.queries import NextItemQueries
from services.training.recall.model import RecallModel
from services.training.report import Report
from services.training.sequence.windows import pad_histories
from services.training.variants.gate import Variants, accepted, write_variants
from shared.snapshot.catalogue import write_catalogue
from shared.snapshot.golden import write_golden
from shared.snapshot.manifest import FORMAT_VERSION, ChannelEntry, Manifest, RankerEntry
from shared.snapshot.verification import list_files

_RANKER = "ranker/model.onnx"


@dataclass(frozen=True, slots=True)
class Written:
    """What was measured while writing.

    Attributes:
        indexes: By channel.
        onnx_deviation: Largest absolute difference between the exported graphs and the modules.
        variants: The ranker in lower precisions, kept or not.
    """

    indexes: dict[str, IndexFit]
    onnx_deviation: float
    variants: Variants


def write_models(
    folder: Path,
    dataset: Dataset,
    models: FittedModels,
    validation: NextItemQueries,
    ranked: RankedQueries,
    *,
    config: TrainingConfig,
    display: ProgressDisplay,
) -> Written:
    """Writes everything but the report and the manifest.

    Args:
        folder: An empty folder.
        dataset: For the catalogue.
        models: In evaluation mode.
        validation: Real queries, to measure the indexes and the graphs with.
        ranked: The same with candidates and scores, to judge the ranker in lower precisions with.
        config: Of the job.
        display: Told after each part.

    Raises:
        ExportMismatch: an exported graph, or the projection of words, does not compute what training computed.
    """
    with display.stage("write snapshot", 5) as advance:
        _write_tables(folder, dataset, models.features)
        advance("")
        indexes = _write_channels(folder, dataset, models, validation, config)
        advance("")
        widths = (models.features.users.shape[1], models.features.items.matrix.shape[1])
        export_ranker(models.ranker.model, len(dataset.items), config.max_history, widths, folder / _RANKER)
        advance("")
        encoders = {channel: model.encoder for channel, model in models.recall.channels.items()}
        ranker = models.ranker.model
        batches = golden_batches(validation, models.features, config.max_history, config.seed, ranker)
        golden = compute_golden(batches, encoders, ranker, models.features)
        write_golden(golden, folder / "golden.json")
        graphs = {channel: folder / _path(channel, "encoder.onnx") for channel in encoders}
        furthest = replay(golden, graphs, folder / _RANKER, models.features.items.matrix)
        advance("")
        variants = write_variants(folder, _RANKER, ranked, features=models.features, golden=golden, config=config)
        advance("")
    return Written(indexes, furthest, variants)


def make_manifest(
    folder: Path,
    report: Report,
    *,
    created: str,
    models: FittedModels,
    written: Written,
    config: TrainingConfig,
) -> Manifest:
    """Writes the report into the folder and returns the manifest of everything in it.

    Args:
        folder: With everything from `write_models`.
        report: Of the job.
        created: RFC 3339, UTC.
        models: For the schema.
        written: From `write_models`.
        config: Of the job.
    """
    (folder / "report.json").write_bytes(report.to_json())
    (folder / "report.md").write_text(report.to_markdown(), encoding="utf-8")
    return Manifest(
        format_version=FORMAT_VERSION,
        id=report.snapshot,
        created=created,
        dataset=report.dataset,
        items=len(models.features.popularity),
        max_history=config.max_history,
        feature_schema=models.features.schema(),
        channels=_channel_entries(models, written.indexes),
        ranker=RankerEntry(_RANKER, accepted(written.variants)),
        objectives=models.ranker.objectives,
        metrics=report.metrics(),
        training={
            "seconds": report.seconds["total"],
            **report.configuration,
            **{f"version.{name}": number for name, number in report.versions.items()},
        },
        files=list_files(folder),
    )


def _write_tables(folder: Path, dataset: Dataset, features: Features) -> None:
    write_catalogue(catalogue_of(dataset.items, features.views), folder / "catalogue.jsonl")
    np.save(folder / "item_features.npy", features.items.matrix)
    np.save(folder / "popularity.npy", features.popularity)


def _write_channels(
    folder: Path, dataset: Dataset, models: FittedModels, validation: NextItemQueries, config: TrainingConfig
) -> dict[str, IndexFit]:
    sample = validation.sample(config.index.queries, config.seed)
    history = torch.as_tensor(pad_histories(sample.histories, config.max_history))
    about = torch.as_tensor(models.features.users[sample.users])
    fits = {}
    for channel, model in models.recall.channels.items():
        vectors, encoder = model.item_vectors, folder / _path(channel, "encoder.onnx")
        index = build_index(vectors, config.index.trees, config.seed, folder / _path(channel, "index.ann"))
        with torch.inference_mode():
            queries = model.encoder(history, about).numpy()
        fit = fit_search(index, vectors, queries, sample.histories, config.index)
        curve = measure_curve(index, vectors, queries, sample.histories, config.candidates)
        fits[channel] = replace(fit, curve=curve)
        np.save(folder / _path(channel, "item_vectors.npy"), vectors)
        export_encoder(model.encoder, len(vectors), config.max_history, encoder, user_features=about.shape[1])
        write_content_projection(folder, channel, dataset.items, model)
    return fits


def _channel_entries(models: FittedModels, indexes: dict[str, IndexFit]) -> tuple[ChannelEntry, ...]:
    return tuple(
        _vector_channel(name, quota, models.recall.channels[name], indexes[name])
        if name in models.recall.channels
        else ChannelEntry(name=name, kind="popularity", quota=quota)
        for name, quota in models.merge.quotas.items()
    )


def _vector_channel(name: str, quota: float, model: RecallModel, index: IndexFit) -> ChannelEntry:
    return ChannelEntry(
        name=name,
        kind="annoy",
        quota=quota,
        dimension=model.item_vectors.shape[1],
        trees=index.trees,
        search_k=index.search_k,
        encoder=_path(name, "encoder.onnx"),
        index=_path(name, "index.ann"),
        vectors=_path(name, "item_vectors.npy"),
        curve=index.curve,
        projection=projection_entry(name) if model.projection is not None else None,
    )


def _path(channel: str, file: str) -> str:
    return f"channels/{channel}/{file}"
