"""Writing TOML."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.training.runs.toml_text import to_toml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.one_of(TEXTS, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=12
)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_what_is_written_is_read(table: dict[str, Any]) -> None:
    """Any table of texts, numbers, lists and tables."""
    assert tomllib.loads(to_toml(table)) == table


def test_it_reads_well() -> None:
    """Values stand before sections; a tuple is a list; what is None is left out."""
    assert to_toml({"a": {"b": (1, 2)}, "seed": 0, "no": None}) == "seed = 0\n\n[a]\nb = [1, 2]\n"


def test_what_toml_has_no_type_for_is_refused() -> None:
    """Rather than written as something else."""
    with pytest.raises(TypeError, match="object"):
        to_toml({"what": object()})
