"""An unexpected exception is told by kind and place."""

from shared.failures import describe


def failing(user_id: str) -> None:
    """Fails in a way that quotes what it worked on, twice."""
    try:
        dict[str, str]()[user_id]
    except KeyError as error:
        raise ValueError(f"nobody is called {user_id}") from error


def test_it_says_where_and_of_what_kind_and_not_what_about() -> None:
    """The innermost call comes last; the cause is told too."""
    try:
        failing("user-42")
    except ValueError as error:
        described = describe(error)
    assert "user-42" not in described
    kinds = [part.split(" at ")[0] for part in described.split("; from ")]
    assert kinds == ["ValueError", "KeyError"]
    assert described.endswith(f"test_failures.py:{failing.__code__.co_firstlineno + 3} failing")


def test_an_exception_that_was_never_raised_has_a_kind_alone() -> None:
    """As one that a library made for its caller."""
    assert describe(OSError("user-42")) == "OSError"


def test_a_circle_of_causes_ends() -> None:
    """Each is told once."""
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert describe(first) == "ValueError; from KeyError"
