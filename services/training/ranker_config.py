"""What can be chosen about the ranker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.training.model_settings import configured, known_model
from services.training.ranking.model import RankerFamily
from services.training.ranking.objectives import FIRST_OBJECTIVE, check_objectives
from services.training.ranking.registry import RANKERS
from services.training.recall.model import ModelConfig


class RankerConfig(BaseModel):
    """The ranker and the examples it learns from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(default="signals", description="A ranking model (`winnow models list`).")
    settings: Mapping[str, Any] = Field(default={}, description="The model's own settings (`winnow models show`).")
    objectives: tuple[str, ...] = Field(
        default=(FIRST_OBJECTIVE,),
        description="What it scores: next, and what somebody makes of an item: like, click, purchase, dwell.",
    )
    label_weight: float = Field(
        default=0.5, gt=0, description="Weight of the loss on objectives but next, beside that on what followed."
    )
    collaborative: str = Field(
        default="", description="Channel whose scores it begins with; by default the first channel of vectors."
    )
    content: str = Field(
        default="", description="Channel in which it compares contents; by default the first that is made of contents."
    )
    begin_with_recall: bool = Field(
        default=True,
        description="Whether a model that does not look at recall's scores itself is added to them, "
        "so that it has to learn only what to change.",
    )
    half_life: float = Field(
        default=10.0, gt=0, description="Items after which an item counts half for a history's contents and features."
    )
    max_dimension: int = Field(
        default=256, ge=2, description="Wider vectors of the collaborative channel are reduced to as many dimensions."
    )
    reserved: int = Field(
        default=3, ge=1, description="Last training events of each user that recall leaves to the ranker."
    )
    negatives: int = Field(default=96, ge=1, description="Negatives drawn from recall's candidates for each example.")
    validation_users: int = Field(default=1000, ge=1, description="Most users judged after an epoch.")
    shown_weight: float = Field(
        default=0.5,
        ge=0,
        description="Weight of the loss on lists that were shown, beside that on what followed; 0: none.",
    )
    shown_min_lists: int = Field(
        default=200, ge=1, description="Fewer lists that were shown and acted upon are not used."
    )
    shown_max_weight: float = Field(
        default=10.0, ge=1, description="Largest weight that an improbable showing may have, one over its propensity."
    )

    @model_validator(mode="after")
    def _settings_are_the_model_s(self) -> Self:
        self.configuration()
        check_objectives(self.objectives)
        if len(self.objectives) > 1 and not self.family.several_objectives:
            raise ValueError(
                f"{self.model} has one objective; for several choose a model such as mmoe or shared_bottom"
            )
        return self

    @property
    def family(self) -> RankerFamily[Any]:
        """The kind of model."""
        return RANKERS[self.model]

    def configuration(self) -> ModelConfig:
        """Returns the model's settings with the defaults of those that were not chosen.

        Raises:
            ValueError: there is no such model, or it has no such setting, or a value is out of its range.
        """
        known_model(self.model, RANKERS)
        made: ModelConfig = configured(self.model, self.family.config, self.settings)
        return made
