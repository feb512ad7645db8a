"""Small folders in the form of the published data sets."""

from pathlib import Path

import numpy as np


def sequences_folder(root: Path, users: int = 40, items: int = 130) -> Path:
    """People who go through the catalogue in steps of one: what comes next is easily learned from what was before.

    Everybody starts somewhere else, and meets six to nine items.
    """
    folder = root / "shop"
    folder.mkdir()
    rng = np.random.default_rng(0)
    lines = []
    for user in range(users):
        start, length = user * 3, int(rng.integers(6, 10))
        lines.append(f"{user + 1} " + " ".join(str((start + step) % items + 1) for step in range(length)))
    (folder / "sequences.txt").write_text("\n".join(lines) + "\n")
    titles = "".join(f"{item + 1}\tThing {item + 1}\n" for item in range(items + 5))  # nobody met the last five
    (folder / "items.tsv").write_text("item\ttitle\n" + titles)
    return folder


def with_ncf_test(folder: Path) -> Path:
    """Adds test lists: the last item of each user against two met by others, one that nobody knows, and one twice."""
    lines = []
    for line in (folder / "sequences.txt").read_text().splitlines():
        user, *items = line.split()
        lines.append(f"{user} {items[-1]} {int(items[0]) + 20} 99999 {int(items[0]) + 21} {int(items[0]) + 20}")
    lines[1] = " ".join([*lines[1].split()[:1], "88888", *lines[1].split()[2:]])  # a positive that nobody knows
    (folder / "ncf_test.txt").write_text("\n".join(lines) + "\n")
    return folder


def split_folder(root: Path) -> Path:
    """Two circles of friends, each with items of its own; everybody's test is an item of the own circle."""
    folder = root / "places"
    folder.mkdir()
    parts: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for user in range(20):
        circle = [str(10 * (user % 2) + (user + step) % 10) for step in range(10)]
        for part, own in (("train", circle[:6]), ("valid", circle[6:7]), ("test", circle[7:9])):
            parts[part].append(" ".join([str(user), *own]))
    for part, lines in parts.items():
        (folder / f"{part}.txt").write_text("\n".join(lines) + "\n")
    return folder


def ratings_folder(root: Path) -> Path:
    """Stars that are a user's mood plus an item's worth, and a little noise."""
    folder = root / "stars"
    folder.mkdir()
    rng = np.random.default_rng(1)
    lines = ["user_id:token\titem_id:token\trating:float\ttimestamp:float"]
    for user in range(20):
        for item in range(15):
            stars = np.clip(3 + user % 3 - 1 + item % 3 - 1 + rng.normal(0, 0.1), 1, 5)
            lines.append(f"{user}\t{item}\t{stars:.3f}\t{1000 + user}")
    (folder / "stars.inter").write_text("\n".join(lines) + "\n")
    return folder


def timed_folder(root: Path) -> Path:
    """Films and people with real times, in the form of MovieLens 100K.

    The newest fifth comes from two of the people, who come back to item 5 in it.
    """
    events = [(user, (user + step) % 12, 100 * step) for user in range(10) for step in range(4)]
    events += [(user, item, 10_000 + item) for user in (3, 4) for item in (0, 1, 5, 10, 11)]
    return _movielens_folder(root / "timed", events)


def periods_folder(root: Path) -> Path:
    """Ten people who go round twelve films, one a step, all in the same time."""
    events = [(user, (user + step) % 12, 100 * step + user) for user in range(10) for step in range(12)]
    return _movielens_folder(root / "periods", events)


def _movielens_folder(folder: Path, events: list[tuple[int, int, int]]) -> Path:
    """Users, items and seconds in the form of MovieLens 100K."""
    folder.mkdir()
    users = "".join(f"{user}\t30\tM\twriter\n" for user in range(10))
    (folder / "ml-100k.user").write_text("user_id:token\tage:token\tgender:token\toccupation:token\n" + users)
    items = "".join(f"{item}\tFilm {item}\t1990\tDrama\n" for item in range(12))
    (folder / "ml-100k.item").write_text(
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n" + items
    )
    (folder / "ml-100k.inter").write_text(
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        + "".join(f"{user}\t{item}\t4\t{time}\n" for user, item, time in events)
    )
    return folder
