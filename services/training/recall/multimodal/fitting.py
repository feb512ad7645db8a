"""Fitting the tower and the encoder of histories to what people met next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from services.training.datasets import Item
from services.training.devices import on_device
from services.training.fitting import fit_epochs
from services.training.optimisation import epoch_rng
from services.training.recall.judging import validation_ndcg
from services.training.recall.model import FitContext, RecallData
from services.training.recall.multimodal.config import MultimodalConfig
from services.training.recall.multimodal.contents import ContentReader, Contents, check_contents
from services.training.recall.multimodal.history_encoder import CatalogueEncoder, HistoryEncoder
from services.training.recall.multimodal.placing import ContentRecallModel
from services.training.recall.multimodal.sampled_items import SampledItems, inclusion_probabilities
from services.training.recall.multimodal.tower import ItemTower
from services.training.sequence.windows import Windows, cut_windows

_VALIDATION_QUERIES = 2000


class TwoTowers(nn.Module):
    """What is fitted: a tower for items, and an encoder of histories.

    Args:
        reader: Which contents there are.
        config: Sizes and dropout.
    """

    def __init__(self, reader: ContentReader, config: MultimodalConfig) -> None:
        super().__init__()
        self.items = ItemTower(reader, config)
        self.histories = HistoryEncoder(config)

    def catalogue_encoder(self, contents: Contents) -> CatalogueEncoder:
        """Returns the encoder of queries over a catalogue, in the mode that this is in."""
        return CatalogueEncoder(self.histories, self.items.vectors(contents)).train(self.training)


@dataclass(frozen=True, slots=True, eq=False)
class _Placing:
    """Gives vectors to items; see `PlaceItems`."""

    reader: ContentReader
    tower: ItemTower

    def __call__(self, items: Sequence[Item]) -> npt.NDArray[np.float32]:
        return np.asarray(self.tower.vectors(self.reader.read(items)).numpy())


def fit_towers(data: RecallData, config: MultimodalConfig, context: FitContext) -> ContentRecallModel:
    """Learns item vectors from contents such that histories find what came next.

    Items that nobody met are neither wanted nor unwanted in what it learns from: nothing is known of them.

    Raises:
        Unsuitable: no item has what the model is to read.
    """
    torch.manual_seed(context.seed)
    reader = ContentReader.fit(data.items, config, context.seed)
    contents = reader.read(data.items)
    check_contents(contents, config)
    towers = TwoTowers(reader, config)
    batches = _Batches(data, contents, towers, config, context.placement.device)
    queries = data.validation.sample(_VALIDATION_QUERIES, context.seed)

    def judge() -> float:
        encoder = towers.catalogue_encoder(contents)
        vectors = encoder.vectors.numpy()
        return validation_ndcg(encoder, vectors, queries, data.user_features, min(config.window, context.max_history))

    epochs = fit_epochs(
        towers, name="fit item tower", batches=batches, steps=batches.steps, loss=batches.loss, judge=judge,
        config=config, context=context,
    )  # fmt: skip
    encoder = towers.catalogue_encoder(contents)
    return ContentRecallModel(encoder, encoder.vectors.numpy(), epochs, place=_Placing(reader, towers.items))


class _Batches:
    """Windows of histories, in another order and with other cuts in every epoch.

    The tower computes, and learns from, a sample of the items for each batch. The others stand in histories with the
    vectors that they had when they were last computed: images are too dear to read all of them for every step.
    """

    def __init__(
        self,
        data: RecallData,
        contents: Contents,
        towers: TwoTowers,
        config: MultimodalConfig,
        device: torch.device,
    ) -> None:
        self._events, self._towers, self._config = data.events, towers, config
        self._contents = on_device(contents, device)
        counts = np.bincount(data.events.items, minlength=len(data.items)).astype(np.float64)
        probabilities = torch.as_tensor(inclusion_probabilities(np.sqrt(counts), config.sampled_items))
        self._probabilities = on_device(probabilities, device)
        self._vectors = torch.empty(0)
        self.steps = -(-len(cut_windows(data.events, config.window)) // config.batch)

    def __call__(self) -> Iterator[Windows]:
        rng = epoch_rng()
        self._vectors = self._towers.items.vectors(self._contents)
        windows = cut_windows(self._events, self._config.window, rng)
        order = rng.permutation(len(windows))
        for start in range(0, len(order), self._config.batch):
            rows = order[start : start + self._config.batch]
            yield Windows(windows.history[rows], windows.target[rows])

    def loss(self, windows: Windows) -> Tensor:
        """Returns the mean cross-entropy of what came next."""
        sample = SampledItems.draw(self._probabilities)
        live = self._towers.items(self._contents.take(sample.rows)).float()
        vectors = self._vectors.index_copy(0, sample.rows, live)
        self._vectors[sample.rows] = live.detach()
        states = self._towers.histories(torch.as_tensor(windows.history), vectors).flatten(0, 1)
        targets = torch.as_tensor(windows.target).flatten()
        asked = sample.drawn(targets).nonzero().squeeze(1)
        asked = asked[torch.randperm(len(asked))[: self._config.targets]]
        if not len(asked):
            # None of the few targets of a small last batch was drawn: there is nothing to learn, and no mean of it.
            nothing: Tensor = live.sum() * 0.0
            return nothing
        loss: Tensor = sample.loss(states[asked], live, targets[asked])
        return loss
