"""The configuration."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from services.training.channels import ChannelConfig
from services.training.config import TrainingConfig
from services.training.content.bag_of_words import BagOfWordsConfig
from services.training.ranking.mf import MfConfig
from services.training.ranking.signals_model import SignalsConfig
from services.training.recall.ease import EaseConfig


def test_a_file_overrides_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    """Tables are sections; the rest keeps its default."""
    path = tmp_path / "training.toml"
    path.write_text("seed = 7\n[ranker]\nnegatives = 8\n[ranker.settings]\nhidden = [8, 4]\n[index]\ntrees = 3\n")

    config = TrainingConfig.from_toml(path)

    assert (config.seed, config.index.trees, config.ranker.negatives) == (7, 3, 8)
    assert config.channels == TrainingConfig().channels
    assert config.ranker.configuration() == SignalsConfig(hidden=(8, 4))


def test_the_channels_of_a_file_are_all_there_are(tmp_path: Path) -> None:
    """In its order; a table that names no model has the one that it is called after, and counts as much as the others."""
    path = tmp_path / "training.toml"
    path.write_text(
        '[channels.popularity]\nquota = 0.5\n[channels.ease]\n[channels.words]\nmodel = "bag_of_words"\n'
        "settings = { dimension = 16 }\n"
    )

    config = TrainingConfig.from_toml(path)

    assert [(name, one.model, one.quota) for name, one in config.channels.items()] == [
        ("popularity", "popularity", 0.5), ("ease", "ease", 1.0), ("words", "bag_of_words", 1.0),
    ]  # fmt: skip
    assert list(config.vector_channels()) == ["ease", "words"]
    assert config.channels["words"].configuration() == BagOfWordsConfig(dimension=16)


@pytest.mark.parametrize(
    ("channels", "said"),
    [
        ({"a": {"model": "nope"}}, "there is no model nope; there are sasrec, "),
        ({"ease": {"settings": {"regularization": 3}}}, "ease has no setting regularization; its settings: regularisation, "),
        ({"popularity": {"settings": {"half_life": 3}}, "ease": {}}, "popularity has no setting half_life; its settings: none"),
        ({"sasrec": {"settings": {"dropout": 5}}}, "sasrec: dropout: Input should be less than 1"),
        ({"sasrec": {"settings": {"heads": 3}}}, "sasrec: heads must divide dimension, but 3 does not divide 64"),
        ({"ease": {"quota": 0.0}}, "greater than 0"),
        ({"popularity": {}}, "one of them must have a model besides popularity"),
        ({}, "at least 1"),
        ({"../up": {"model": "ease"}}, "pattern"),
    ],
)  # fmt: skip
def test_channels_that_cannot_be_are_refused_in_words_that_say_what_could(channels: object, said: str) -> None:
    """A model or setting that is misspelt, a value out of its range, no channel of vectors."""
    with pytest.raises(ValidationError, match=re.escape(said)):
        TrainingConfig.model_validate({"channels": channels})


@pytest.mark.parametrize("setting", ["collaborative", "content"])
def test_the_ranker_s_spaces_must_be_channels_of_vectors(setting: str) -> None:
    """Neither one that is not there, nor the popular."""
    for channel in ("words", "popularity"):
        with pytest.raises(ValidationError, match=f"ranker.{setting}: there is no channel {channel} of vectors"):
            TrainingConfig.model_validate({"ranker": {setting: channel}})


def test_the_first_channel_can_have_another_model() -> None:
    """Whose settings are the defaults; to ask for the one that it has changes nothing."""
    config = TrainingConfig.model_validate({"channels": {"popularity": {}, "main": {"model": "sasrec", "quota": 0.9}}})

    assert config.with_recall("sasrec") == config
    assert config.with_epochs(4).with_recall("sasrec") == config.with_epochs(4)
    other = config.with_epochs(4).with_recall("ease")
    assert (other.channels["main"].model, other.channels["main"].quota) == ("ease", 0.9)
    assert other.channels["main"].configuration() == EaseConfig()
    with pytest.raises(ValidationError, match="ease has no setting epochs"):
        other.with_epochs(4)
    with pytest.raises(ValidationError, match="there is no model nope"):
        config.with_recall("nope")


def test_the_ranker_can_be_another_model() -> None:
    """Whose settings are the defaults; to ask for the one that it is changes nothing."""
    config = TrainingConfig.model_validate({"ranker": {"negatives": 7, "settings": {"epochs": 9}}})

    assert config.with_ranker("signals") == config
    other = config.with_ranker("mf").ranker
    assert (other.model, other.negatives, other.configuration()) == ("mf", 7, MfConfig())
    with pytest.raises(ValidationError, match="there is no model nope"):
        config.with_ranker("nope")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[merge]\nlern = true\n", "lern"),
        ("[ranker.settings]\ndropout = 1.0\n", "signals: dropout"),
        ('[ranker]\nmodel = "fmm"\n', "there are signals, mf, fm"),
        ("sed = 1\n", "sed"),
    ],
)
def test_a_misspelt_or_impossible_choice_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    """A knob that does not exist, or a value out of its range, is an error that names it."""
    path = tmp_path / "training.toml"
    path.write_text(text)

    with pytest.raises(ValidationError, match=named):
        TrainingConfig.from_toml(path)


def test_every_choice_is_reported_as_a_scalar_under_its_dotted_name() -> None:
    """The manifest takes scalars alone."""
    flat = TrainingConfig().flat()

    assert flat["seed"] == 0
    assert flat["channels.collaborative.settings.dropout"] == 0.2
    assert flat["channels.popularity.quota"] == 0.15
    assert flat["ranker.settings.hidden"] == "[128, 64]"
    assert all(isinstance(value, (str, int, float, bool)) for value in flat.values())


def test_every_choice_is_documented() -> None:
    """Each knob of each section says what it is."""
    sections: list[type[BaseModel]] = [TrainingConfig, ChannelConfig]
    sections += [type(section) for _, section in TrainingConfig() if isinstance(section, BaseModel)]

    undocumented = [
        f"{section.__name__}.{name}"
        for section in sections
        for name, field in section.model_fields.items()
        if field.annotation not in sections and not field.description
    ]

    assert len(sections) > 5
    assert undocumented == []
