"""Sizes that can be generated."""

import pytest

from services.training.generator import GeneratorConfig


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"seed": -1}, "seed must be at least 0, not -1"),
        ({"users": 1}, "users must be at least 2, not 1"),
        ({"items": 63}, "items must be at least 64, not 63"),
        ({"days": 0}, "days must be at least 1, not 0"),
        ({"noise": 1.5}, "noise must be between 0 and 1, not 1.5"),
        ({"users": 100, "items": 100, "events": 499}, "events must be between 500 and 1250"),
        ({"users": 100, "items": 100, "events": 1251}, "events must be between 500 and 1250"),
    ],
)
def test_a_size_that_cannot_be_generated_is_refused(arguments: dict[str, int], problem: str) -> None:
    """The message names the field and its range."""
    with pytest.raises(ValueError, match=problem):
        GeneratorConfig(**arguments)


def test_the_defaults_are_the_documented_size() -> None:
    """docs/data.md and the demo count on it."""
    config = GeneratorConfig()

    assert (config.users, config.items, config.events) == (3_000, 2_000, 120_000)
