"""The page about models has those that there are."""

import re
import tomllib
from pathlib import Path

import pytest

from services.training.config import MergeConfig, TrainingConfig
from services.training.recall.registry import RECALL_MODELS

PAGE = (Path(__file__).parents[3] / "docs" / "models.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(RECALL_MODELS))
def test_every_recall_model_has_a_row(name: str) -> None:
    """With what it says of itself, and with what it needs."""
    row = rf"^\| `{name}` \| {re.escape(RECALL_MODELS[name].summary)} \| \S.* \|$"
    assert re.search(row, PAGE, re.MULTILINE), f"add: | `{name}` | {RECALL_MODELS[name].summary} | what it needs |"


def test_the_page_has_no_model_that_is_gone() -> None:
    """What is in the table can be trained."""
    table = PAGE.split("## Recall models")[1].split("## Channels")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(RECALL_MODELS)


@pytest.mark.parametrize("name", list(MergeConfig.model_fields))
def test_the_settings_of_merging_have_their_defaults_on_the_page(name: str) -> None:
    """Each in a row of its own."""
    default = getattr(MergeConfig(), name)
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    assert re.search(rf"^\| `{name}` \| `{shown}` \| \S.* \|$", PAGE, re.MULTILINE)


def test_the_example_of_channels_is_the_default_but_for_what_it_says() -> None:
    """Who copies it gets what the page promises."""
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    written, default = TrainingConfig.model_validate(tomllib.loads(example)), TrainingConfig()

    differences = {name for name, value in written.flat().items() if default.flat()[name] != value}
    assert differences == {"channels.collaborative.settings.dropout"}
    assert list(written.channels) == list(default.channels)
