"""What is searched of a model."""

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, ValidationError

from services.training.recall.model import ModelConfig
from services.training.recall.registry import RECALL_MODELS
from services.training.tuning.space import Range, SpaceRefused, default_space, read_space


class Config(ModelConfig):
    """Settings of every kind."""

    rate: float = Field(default=0.01, gt=0)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    dimension: int = Field(default=64, ge=32)
    blocks: int = Field(default=2, ge=1)
    share: float = Field(default=0.5, ge=0, le=1)
    loss: Literal["full", "sampled"] = "full"
    tied: bool = True
    hidden: tuple[int, ...] = (8,)
    decay: float = Field(default=0.0, ge=0)
    own: float = Field(default=0.0, json_schema_extra={"search": {"low": 1.0, "high": 2.0}})
    never: float = Field(default=1.0, gt=0, json_schema_extra={"search": False})
    epochs: int = Field(default=10, ge=1)
    max_items: int = Field(default=10, ge=1)


def test_bounds_and_defaults_say_what_is_searched() -> None:
    """Between bounds where there are two, around the default elsewhere; limits on work are left alone."""
    assert default_space(Config) == {
        "rate": Range(low=0.001, high=0.1, log=True),
        "dropout": Range(low=0.0, high=0.9),
        "dimension": Range(low=32, high=256, log=True),
        "blocks": Range(low=1, high=8, log=True),
        "share": Range(low=0, high=1),
        "loss": Range(choices=("full", "sampled")),
        "tied": Range(choices=(False, True)),
        "own": Range(low=1.0, high=2.0),
    }


@pytest.mark.parametrize("name", RECALL_MODELS)
def test_every_model_can_be_searched(name: str) -> None:
    """What is searched without being told are settings it has, and the default is among what is tried."""
    config = RECALL_MODELS[name].config
    space = default_space(config)

    assert space.keys() <= config.model_fields.keys()
    for setting, searched in space.items():
        for value in searched.choices or (searched.low, searched.high):
            if config.model_fields[setting].annotation is int:
                assert float(value or 0).is_integer()


def test_a_file_says_what_is_searched_and_what_is_fixed(tmp_path: Path) -> None:
    """A table is searched, a value is fixed, and what is not named keeps its default."""
    path = tmp_path / "space.toml"
    path.write_text('rate = {low = 0.1, high = 1, log = true}\ndimension = {choices = [8, 16]}\nloss = "sampled"\n')

    assert read_space(path, Config) == (
        {"rate": Range(low=0.1, high=1, log=True), "dimension": Range(choices=(8, 16))},
        {"loss": "sampled"},
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("width = {low = 1, high = 2}", "no setting width"),
        ("rate = 0.5", "nothing is searched"),
        ("rate = {low = 2, high = 1}", "must not be above"),
        ("rate = {low = 0, high = 1, log = true}", "above 0"),
        ("rate = {low = 1}", "needed"),
        ("rate = {choices = [1], low = 0}", "give choices, or"),
        ("rate = {low = 1, high = 2}\ndropout = 3", "dropout"),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """With what is wrong about it."""
    path = tmp_path / "space.toml"
    path.write_text(text)

    with pytest.raises((SpaceRefused, ValidationError), match=said):
        read_space(path, Config)
