"""User ids as they are stored."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.user_ids import UserIds, read_key

KEY = "a key of at least sixteen bytes"
EXPECTED = "8cac99aaa7e7a953d7c43054a8d1a405"


@given(st.text(st.characters(codec="utf-8")))
def test_without_a_key_ids_are_stored_as_they_come(user_id: str) -> None:
    """And there is nothing to tell one store from another by."""
    assert UserIds().stored(user_id) == user_id
    assert UserIds().fingerprint == ""


def test_with_a_key_the_same_user_has_the_same_hash_always() -> None:
    """The very digits, for a store must be readable by every later version."""
    assert UserIds(KEY).stored("ann") == UserIds(KEY).stored("ann") == EXPECTED
    assert UserIds(KEY).stored("bob") != EXPECTED
    assert UserIds(KEY + "!").stored("ann") != EXPECTED


def test_nobody_stays_nobody() -> None:
    """An empty id means no user in particular, and must not become one."""
    assert UserIds(KEY).stored("") == ""


def test_keys_are_told_apart_without_being_told() -> None:
    """The fingerprint is stored, so it must not be a hash that a user could have."""
    assert UserIds(KEY).fingerprint == UserIds(KEY).fingerprint
    assert UserIds(KEY).fingerprint not in (UserIds(KEY + "!").fingerprint, UserIds(KEY).stored(KEY), "")
    assert KEY not in UserIds(KEY).fingerprint


def test_a_key_that_can_be_guessed_is_refused() -> None:
    """Short ones are tried out in no time."""
    with pytest.raises(ValueError, match="at least 16 bytes"):
        UserIds("too short")


def test_a_key_comes_from_a_file_without_its_line_break(tmp_path: Path) -> None:
    """As editors and `echo` write it."""
    (tmp_path / "key").write_text(KEY + "\n")
    assert read_key("", tmp_path / "key") == read_key(KEY, None) == KEY
    assert read_key("", None) == ""


@pytest.mark.parametrize(("content", "problem"), [(None, "cannot be read"), ("\n", "is empty")])
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: str | None, problem: str) -> None:
    """Else ids would be stored as they come by who meant them to be hashed."""
    if content is not None:
        (tmp_path / "key").write_text(content)
    with pytest.raises(ValueError, match=problem):
        read_key("", tmp_path / "key")


def test_a_key_is_given_once(tmp_path: Path) -> None:
    """Which of two would hold is not for us to say."""
    with pytest.raises(ValueError, match="twice"):
        read_key(KEY, tmp_path / "key")
