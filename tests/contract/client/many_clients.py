"""A program with a client in each of its threads, as a web server may have: `python -m ... <target>`."""

import sys
from threading import Barrier, Thread

from winnow.client import WinnowClient

THREADS = 8
ROUNDS = 25


def _ask(target: str, together: Barrier) -> None:
    for number in range(ROUNDS):
        together.wait()
        with WinnowClient(target, timeout=30) as client:
            client.recommend(f"user-{number}")


def main(target: str) -> None:
    """Has all threads make a client at once, again and again, and ask with it."""
    together = Barrier(THREADS)
    threads = [Thread(target=_ask, args=(target, together)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1])
