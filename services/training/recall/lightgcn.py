"""LightGCN: vectors of people and items that are smoothed over the graph of who met what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor, nn

from services.training.fitting import DescentConfig, fit_epochs
from services.training.recall.binary_history import first_places
from services.training.recall.bipartite_graph import BipartiteGraph
from services.training.recall.judging import validation_ndcg
from services.training.recall.model import FitContext, RecallData, RecallFamily, RecallModel, Unsuitable

_INITIAL_DEVIATION = 0.1
# One draw in some hundred hits an item that the person met; after this many the few that are left do no harm.
_REDRAWS = 4


class LightGcnConfig(DescentConfig):
    """The size of a LightGCN and how far it is held back."""

    dimension: int = Field(default=64, ge=1, description="Length of item and user vectors.")
    layers: int = Field(default=3, ge=1, description="Steps of spreading along the edges.")
    loss: Literal["bpr", "softmax"] = Field(
        default="bpr", description="bpr: what was met against one item, as published; softmax: against many, by cosine."
    )
    l2: float = Field(default=1e-4, ge=0, description="bpr: weight of the squared lengths of a batch's own vectors.")
    temperature: float = Field(default=0.08, gt=0, description="softmax: what cosines are divided by.")
    negatives: int = Field(default=1024, ge=1, description="softmax: items that a whole batch is compared with.")
    learning_rate: float = Field(default=5e-3, gt=0, description="Peak of the learning-rate schedule.")
    batch: int = Field(default=8192, ge=1, description="Events in a batch; each costs a pass over the whole graph.")
    epochs: int = Field(default=40, ge=1, description="Most passes over the data.")
    patience: int = Field(default=5, ge=1, description="Epochs without a better NDCG@10 before it stops.")


@dataclass(frozen=True, slots=True, eq=False)
class Triples:
    """People, an item that each met and one that they did not: int64 [n] each."""

    people: Tensor
    met: Tensor
    unmet: Tensor

    def share(self, number: int, parts: int) -> tuple[Triples, int]:
        """Returns every `parts`-th triple, from that number on, and how many they are."""
        part = Triples(self.people[number::parts], self.met[number::parts], self.unmet[number::parts])
        return part, len(part.people)


class LightGcn(nn.Module):
    """A vector for each person and item, smoothed over the graph (He et al., SIGIR 2020).

    Args:
        graph: Who met what.
        config: Sizes and the weight of lengths.
    """

    def __init__(self, graph: BipartiteGraph, config: LightGcnConfig) -> None:
        super().__init__()
        self.graph = graph
        self.depth = config.layers
        self.config = config
        self.vectors = nn.Parameter(torch.empty(graph.people + graph.edges.shape[1], config.dimension))
        nn.init.normal_(self.vectors, std=_INITIAL_DEVIATION)

    def smoothed(self) -> tuple[Tensor, Tensor]:
        """Returns the vectors that are compared, of people and of items: the mean over all layers."""
        mean = self.graph.layer_mean(self.vectors, self.depth)
        return mean[: self.graph.people], mean[self.graph.people :]

    def loss(self, triples: Triples) -> Tensor:
        """Returns the mean loss of what was met, as configured."""
        return self._bpr(triples) if self.config.loss == "bpr" else self._softmax(triples)

    def _bpr(self, triples: Triples) -> Tensor:
        """Bayesian personalised ranking (Rendle et al., UAI 2009) and the weighted lengths, as published."""
        people, items = self.smoothed()
        preferred = people[triples.people] * (items[triples.met] - items[triples.unmet])
        own = [triples.people, self.graph.people + triples.met, self.graph.people + triples.unmet]
        lengths = sum((self.vectors[rows].square().sum() for rows in own), start=torch.zeros(()))
        penalty = self.config.l2 * lengths / (2 * len(triples.people))
        return nn.functional.softplus(-preferred.sum(dim=1)).mean() + penalty

    def _softmax(self, triples: Triples) -> Tensor:
        """Cross-entropy among sampled items by cosine (Wu et al., "On the Effectiveness of Sampled Softmax Loss", ACM TOIS 2024)."""
        smoothed = self.smoothed()
        people, items = (nn.functional.normalize(vectors, dim=1) for vectors in smoothed)
        asked, unmet = people[triples.people], triples.unmet[: self.config.negatives]
        met = (asked * items[triples.met]).sum(dim=1, keepdim=True)
        # An item of the sample may be the very one that was met; what else the person met is left in, as in the paper.
        others = (asked @ items[unmet].T).masked_fill(unmet == triples.met[:, None], float("-inf"))
        scores = torch.cat([met, others], dim=1) / self.config.temperature
        return nn.functional.cross_entropy(scores, torch.zeros(len(scores), dtype=torch.int64))

    def encoder(self) -> LightGcnEncoder:
        """Returns what turns a history into a vector, as the model is now."""
        with torch.no_grad():
            layers = self.graph.layers(self.vectors, self.depth - 1)
            reached = torch.stack([layer[self.graph.people :] for layer in layers]).sum(dim=0) / (self.depth + 1)
            # An item that nobody met says nothing about those who meet it later.
            met = (self.graph.degrees > 0).to(torch.float32)
            return LightGcnEncoder(reached * (met * self.graph.degrees.clamp(min=1.0).rsqrt())[:, None]).eval()

    def item_vectors(self) -> npt.NDArray[np.float32]:
        """Returns the items' smoothed vectors, as the model is now: float32 [items, dimension]; by cosine, of length 1."""
        with torch.no_grad():
            smoothed = self.smoothed()[1]
            if self.config.loss == "softmax":
                smoothed = nn.functional.normalize(smoothed, dim=1)
            vectors: npt.NDArray[np.float32] = smoothed.numpy()
            return vectors


class LightGcnEncoder(nn.Module):
    """Places anybody in the graph by what they met: one step of spreading from the items to a node that may be new.

    With e_j(k) item j's vector after k steps, d_j its people and H the distinct items of the history, the query is
    the sum over k = 0 ... K-1 and j in H of e_j(k) / sqrt(|H| d_j), divided by K + 1. For a person of the training data
    and their own history that is the smoothed vector without its layer 0, the person's own vector divided by K + 1.

    Args:
        contributions: float [items, dimension], the sum over k of e_j(k) / sqrt(d_j), divided by K + 1.
    """

    contributions: Tensor

    def __init__(self, contributions: Tensor) -> None:
        super().__init__()
        self.register_buffer("contributions", contributions)

    def forward(self, history: Tensor, user_features: Tensor) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Computes the queries; `RecallModel.encoder` has the shapes. Zero for an empty history."""
        met = first_places(history)
        weights = met * met.sum(dim=1, keepdim=True).clamp(min=1.0).rsqrt()
        return torch.matmul(weights[:, None, :], self.contributions[history.clamp(min=0)]).squeeze(1)


def fit_lightgcn(data: RecallData, config: LightGcnConfig, context: FitContext) -> RecallModel:
    """Learns which of two items somebody met (He et al., SIGIR 2020), judged as it is served: by histories alone.

    Raises:
        Unsuitable: there are no events.
    """
    if not len(data.events.items):
        raise Unsuitable("lightgcn learns from who met what, and there are no events")
    torch.manual_seed(context.seed)
    graph = BipartiteGraph(data.events, len(data.items))
    model = LightGcn(graph, config)
    epochs = fit_epochs(
        model,
        name="fit LightGCN",
        batches=lambda: draw_triples(graph, config.batch),
        steps=-(-graph.edges.nnz // config.batch),
        loss=model.loss,
        judge=lambda: validation_ndcg(
            model.encoder(), model.item_vectors(), data.validation, data.user_features, context.max_history
        ),
        config=config,
        context=context,
        share=Triples.share,
    )
    return RecallModel(model.encoder(), model.item_vectors(), epochs)


def draw_triples(graph: BipartiteGraph, batch: int) -> Iterator[Triples]:
    """Gives every edge once, in an order of torch's own generator, each with an item that the person did not meet."""
    items = graph.edges.shape[1]
    people = torch.as_tensor(np.repeat(np.arange(graph.people), np.diff(graph.edges.indptr)))
    met = torch.as_tensor(graph.edges.indices.astype(np.int64))
    known = torch.sort(people * items + met).values
    for edges in torch.split(torch.randperm(len(met)), batch):
        unmet = torch.randint(items, (len(edges),))
        for _ in range(_REDRAWS):
            keys = people[edges] * items + unmet
            found = torch.searchsorted(known, keys).clamp(max=len(known) - 1)
            unmet = torch.where(known[found] == keys, torch.randint(items, (len(edges),)), unmet)
        yield Triples(people[edges], met[edges], unmet)


LIGHTGCN = RecallFamily(
    name="lightgcn",
    summary="Vectors smoothed over the graph of who met what (He et al., SIGIR 2020)",
    config=LightGcnConfig,
    fit=fit_lightgcn,
)
