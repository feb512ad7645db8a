"""Asking a recall model all questions of a test, in bounded memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from services.training.benchmark.questions import Histories, Judged, Questions
from services.training.progress import ProgressDisplay
from services.training.recall.model import RecallModel
from services.training.sequence.windows import pad_histories

_MOST_QUERIES = 256
# Scores of a batch, and places of its histories: about 64 MB of the one, and of the other as much as a model makes of it.
_MOST_SCORES = 16_000_000
_MOST_PLACES = 65_536
_TIMED_QUERIES = 100


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A model and what it is shown.

    Attributes:
        model: Fitted.
        user_features: float32 [users, user features].
        max_history: How many of the newest items of a history the encoder is shown, at least 1.
    """

    model: RecallModel
    user_features: npt.NDArray[np.float32]
    max_history: int

    def scores(self, users: npt.NDArray[np.int64], histories: Histories) -> npt.NDArray[np.float32]:
        """Returns the score of every item, as recall computes it: float32 [queries, items]."""
        length = max(1, min(self.max_history, max(len(history) for history in histories)))
        with torch.inference_mode():
            history = torch.as_tensor(pad_histories(histories, length))
            query = self.model.encoder(history, torch.as_tensor(self.user_features[users])).numpy()
        scores: npt.NDArray[np.float32] = query @ self.model.item_vectors.T
        return scores


def ask_all(questions: Questions, asked: Asked, display: ProgressDisplay) -> Judged:
    """Asks every question and judges the answers.

    Histories of about the same length are asked together, so that little padding is computed.

    Returns:
        Metrics and lists in the order of the questions.
    """
    lengths = np.asarray([len(history) for history in questions.histories])
    order = np.argsort(lengths, kind="stable")
    parts = []
    with display.stage("ask", len(order)) as advance:
        done = 0
        while done < len(order):
            longest = min(asked.max_history, int(lengths[order[min(done + _MOST_QUERIES, len(order)) - 1]]))
            rows = order[done : done + batch_size(len(asked.model.item_vectors), longest)]
            scores = asked.scores(questions.users[rows], tuple(questions.histories[row] for row in rows))
            parts.append(questions.judge(rows, scores))
            done += len(rows)
            for _ in rows:
                advance("")
    back = np.argsort(order, kind="stable")
    metrics = {name: np.concatenate([part.metrics[name] for part in parts])[back] for name in parts[0].metrics}
    lists = [part.lists for part in parts if part.lists is not None]
    return Judged(metrics, np.concatenate(lists)[back] if lists else None)


def batch_size(items: int, longest: int) -> int:
    """Returns how many questions to ask together: at least 1, and as few as keep memory bounded."""
    return max(1, min(_MOST_QUERIES, _MOST_SCORES // items, _MOST_PLACES // max(1, longest)))


def query_milliseconds(questions: Questions, asked: Asked, seed: int) -> float:
    """Returns the median time from one history to the scores of all items, on one thread."""
    return median_milliseconds(
        lambda row: asked.scores(questions.users[[row]], (questions.histories[row],)), len(questions.users), seed
    )


def median_milliseconds(ask: Callable[[int], object], queries: int, seed: int) -> float:
    """Returns the median time of an answer, over some of the queries, on one thread.

    Args:
        ask: Answers the query of this number.
        queries: How many there are.
        seed: Of which are asked.
    """
    threads = torch.get_num_threads()
    chosen = np.random.default_rng(seed).permutation(queries)[:_TIMED_QUERIES].tolist()
    torch.set_num_threads(1)
    try:
        # The first one pays for what is made once.
        ask(chosen[0])
        took = []
        for row in chosen:
            started = time.perf_counter()
            ask(row)
            took.append(time.perf_counter() - started)
    finally:
        torch.set_num_threads(threads)
    return float(np.median(took)) * 1e3


def model_bytes(model: RecallModel) -> int:
    """Returns the bytes of all numbers that a model is made of: item vectors, parameters and buffers."""
    return int(model.item_vectors.nbytes) + module_bytes(model.encoder)


def module_bytes(module: nn.Module) -> int:
    """Returns the bytes of all parameters and buffers."""
    return sum(tensor.numel() * tensor.element_size() for tensor in (*module.parameters(), *module.buffers()))
