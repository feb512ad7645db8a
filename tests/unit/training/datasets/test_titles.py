"""Titles as people write them."""

import pytest

from services.training.datasets.titles import natural_title, year_in_title


@pytest.mark.parametrize(
    ("filed", "natural"),
    [
        ("Usual Suspects, The (1995)", "The Usual Suspects (1995)"),
        ("Usual Suspects, The", "The Usual Suspects"),
        ("Walk in the Clouds, A (1995)", "A Walk in the Clouds (1995)"),
        ("Good, the Bad and the Ugly, The (1966)", "The Good, the Bad and the Ugly (1966)"),
        ("Hate (Haine, La) (1995)", "Hate (La Haine) (1995)"),
        ("Postino, Il (The Postman) (1994)", "Il Postino (The Postman) (1994)"),
        ("Enfer, L' (1994)", "L'Enfer (1994)"),
        ("Associate, The (L'Associe)(1982)", "The Associate (L'Associe)(1982)"),
        (
            "Horseman on the Roof, The (Hussard sur le toit, Le) (1995)",
            "The Horseman on the Roof (Le Hussard sur le toit) (1995)",
        ),
    ],
)
def test_an_article_filed_at_the_end_comes_first(filed: str, natural: str) -> None:
    """Articles of any language, in the title proper and in titles in brackets."""
    assert natural_title(filed) == natural


@pytest.mark.parametrize("title", ["Paris, Texas (1984)", "Toy Story (1995)", "Girl, Interrupted (1999)", "301, 302"])
def test_a_comma_without_an_article_stays(title: str) -> None:
    """Only articles were moved when the titles were filed."""
    assert natural_title(title) == title


def test_the_year_stands_in_brackets_at_the_end() -> None:
    """A number elsewhere in the title is part of the title."""
    assert year_in_title("2001: A Space Odyssey (1968)") == 1968.0
    assert year_in_title("Associate, The (L'Associe)(1982)") == 1982.0
    assert year_in_title("2001: A Space Odyssey") is None
