"""The configuration."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from services.training.config import TrainingConfig


def test_a_file_overrides_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    """Tables are sections; the rest keeps its default."""
    path = tmp_path / "training.toml"
    path.write_text("seed = 7\n[sequence]\nepochs = 3\n[ranker]\nhidden = [8, 4]\n")

    config = TrainingConfig.from_toml(path)

    assert (config.seed, config.sequence.epochs, config.ranker.hidden) == (7, 3, (8, 4))
    assert config.content == TrainingConfig().content


@pytest.mark.parametrize(
    ("text", "named"),
    [("[sequence]\nepocks = 3\n", "epocks"), ("[ranker]\ndropout = 1.0\n", "dropout"), ("sed = 1\n", "sed")],
)
def test_a_misspelt_or_impossible_choice_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    """A knob that does not exist, or a value out of its range, is an error that names it."""
    path = tmp_path / "training.toml"
    path.write_text(text)

    with pytest.raises(ValidationError, match=named):
        TrainingConfig.from_toml(path)


def test_heads_must_divide_the_dimension() -> None:
    """Three heads cannot share 64 dimensions."""
    with pytest.raises(ValidationError, match="3 does not divide 64"):
        TrainingConfig.model_validate({"sequence": {"heads": 3}})


def test_every_choice_is_reported_as_a_scalar_under_its_dotted_name() -> None:
    """The manifest takes scalars alone."""
    flat = TrainingConfig().flat()

    assert flat["seed"] == 0
    assert flat["sequence.dropout"] == 0.2
    assert flat["ranker.hidden"] == "(128, 64)"
    assert all(isinstance(value, (str, int, float, bool)) for value in flat.values())


def test_every_choice_is_documented() -> None:
    """Each knob of each section says what it is."""
    sections: list[type[BaseModel]] = [TrainingConfig]
    sections += [type(section) for _, section in TrainingConfig() if isinstance(section, BaseModel)]

    undocumented = [
        f"{section.__name__}.{name}"
        for section in sections
        for name, field in section.model_fields.items()
        if field.annotation not in sections and not field.description
    ]

    assert len(sections) > 5
    assert undocumented == []
