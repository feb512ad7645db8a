"""Work in pieces."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.recall.crew import ALONE, Crew


@pytest.mark.parametrize("helpers", [0, 1, 5])
def test_every_piece_is_done_once(helpers: int) -> None:
    """With however many threads, and by the time that the caller goes on."""
    done: list[int] = []
    with ThreadPoolExecutor(3) as pool:
        for pieces in (0, 1, 2, 50):
            Crew(pool, 3).each(pieces, done.append, helpers)
            assert sorted(done) == list(range(pieces))
            done.clear()


def test_the_caller_does_all_alone_where_nobody_can_help() -> None:
    """In order, on its own thread."""
    done: list[tuple[int, int]] = []
    ALONE.each(4, lambda piece: done.append((piece, threading.get_ident())), helpers=3)
    assert done == [(piece, threading.get_ident()) for piece in range(4)]


def test_a_free_thread_helps() -> None:
    """Two pieces that wait for each other are both under way."""
    both = threading.Barrier(2, timeout=10)

    def wait(_piece: int) -> None:
        both.wait()

    with ThreadPoolExecutor(1) as pool:
        Crew(pool, 2).each(2, wait, helpers=1)


def test_a_caller_in_a_busy_pool_does_not_wait_for_help() -> None:
    """Every thread of the pool shares work with the pool, and all come to an end."""
    done: list[int] = []
    with ThreadPoolExecutor(2) as pool:
        crew = Crew(pool, 2)
        callers = [pool.submit(crew.each, 10, done.append, 1) for _ in range(8)]
        for caller in callers:
            caller.result(timeout=10)
    assert sorted(done) == sorted(list(range(10)) * 8)


@pytest.mark.parametrize("helpers", [0, 2])
def test_what_fails_in_a_piece_fails_for_the_caller(helpers: int) -> None:
    """On whichever thread; pieces that were not begun are left out."""
    done: list[int] = []

    def work(piece: int) -> None:
        if piece == 1:
            raise ValueError("piece 1 is bad")
        done.append(piece)

    with ThreadPoolExecutor(2) as pool, pytest.raises(ValueError, match="piece 1 is bad"):
        Crew(pool, 3).each(1000, work, helpers)
    assert len(done) < 1000
