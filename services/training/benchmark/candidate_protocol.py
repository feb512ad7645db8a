"""Protocols in which a few candidates are to be put in order: recall models do it, and so do ranking models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.training.benchmark.protocol import Outcome, Refused, Request
from services.training.benchmark.questions import AmongCandidates
from services.training.benchmark.ranked_candidates import PAIR_RANKERS, run_ranker
from services.training.benchmark.recall_protocol import RecallProtocol


@dataclass(frozen=True, slots=True)
class CandidateProtocol:
    """A protocol for models of either kind.

    Attributes:
        recall: The same for recall models alone; its questions have candidates.
    """

    recall: RecallProtocol

    @property
    def name(self) -> str:
        """What commands call it."""
        return self.recall.name

    @property
    def summary(self) -> str:
        """How it splits and judges, in a line."""
        return self.recall.summary

    @property
    def files(self) -> str:
        """What a folder must hold for it, in words."""
        return self.recall.files

    def models(self) -> Mapping[str, str]:
        """Returns a line about each model, by name."""
        return {**self.recall.models(), **{name: family.summary for name, family in PAIR_RANKERS.items()}}

    def run(self, request: Request) -> Outcome:
        """Fits and judges; see `BenchmarkProtocol`."""
        family = PAIR_RANKERS.get(request.model)
        if family is not None:
            with request.display.stage("read", 1) as advance:
                task = self.recall.read(request.folder, request.seed)
                advance("")
            if not isinstance(task.questions, AmongCandidates):
                raise TypeError(f"{self.name} has no candidates to put in order")
            return run_ranker(family, request, task, task.questions)
        if request.model not in self.recall.models():
            raise Refused(
                f"there is no model {request.model!r} for {self.name}; choose one of {', '.join(self.models())}"
            )
        return self.recall.run(request)
