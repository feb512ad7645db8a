"""The declarations on the page about feature views."""

import re
from pathlib import Path

import pytest

from services.training.datasets.movielens_100k import MovieLens100KLoader
from shared.feature_views import attributes_with, parse_views

PAGE = (Path(__file__).parents[3] / "docs" / "feature-views.md").read_text()
DECLARATIONS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def test_the_annotated_example_is_a_declaration() -> None:
    """Who copies it gets what the comments say."""
    profile, health, offer, demand = parse_views(DECLARATIONS[0])

    assert (profile.version, profile.ttl_seconds, health.sensitivity) == (2, 365 * 86_400.0, "never_logged")
    assert attributes_with([profile, health, offer, demand], "user", "never_logged") == {"diet"}
    assert {type(field).__name__ for view in (profile, offer, demand) for field in view.fields} == {
        "FloatField", "IntField", "CategoricalField", "EmbeddingField", "SequenceField",
    }  # fmt: skip


def test_the_declaration_for_movielens_names_attributes_that_its_loader_gives(tmp_path: Path) -> None:
    """All of users' and items' attributes, on a folder with two lines of each file."""
    (tmp_path / "ml-100k.user").write_text(
        "user_id:token\tage:token\tgender:token\toccupation:token\n1\t24\tM\twriter\n2\t53\tF\tother\n"
    )
    (tmp_path / "ml-100k.item").write_text(
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n1\tOne\t1995\tDrama\n2\tTwo\t1990\tWar\n"
    )
    (tmp_path / "ml-100k.inter").write_text(
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t1\t3\t881250949\n2\t2\t2\t881250950\n"
    )
    dataset = MovieLens100KLoader().load(tmp_path)
    views = parse_views(DECLARATIONS[1])

    assert attributes_with(views, "user", "plain") == set(dataset.users[0].attributes)
    assert attributes_with(views, "item", "plain") == set(dataset.items[0].attributes)


@pytest.mark.parametrize("key", ["name", "entity", "version", "owner", "description", "ttl", "sensitivity", "fields"])
def test_every_key_of_a_view_is_on_the_page(key: str) -> None:
    """In the table of what a view may say."""
    assert re.search(rf"^\| .*`{key}`.* \|", PAGE, re.MULTILINE)
