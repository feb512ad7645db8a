"""Forgets a user and ends, as if killed, when it comes to a step: `... forget_and_die FOLDER USER STEP`."""

import asyncio
import importlib
import os
import sys
from pathlib import Path

from tests.unit.feature_store.stores import open_store


def die_at(step: str) -> None:
    """Ends the process, with nothing tidied up, when the function of this name is called."""
    path, name = step.rsplit(".", 1)
    try:
        owner: object = importlib.import_module(path)
    except ModuleNotFoundError:
        module, kind = path.rsplit(".", 1)
        owner = getattr(importlib.import_module(module), kind)
    setattr(owner, name, lambda *_, **__: os._exit(9))


async def forget(folder: Path, user_id: str, step: str) -> None:
    """Opens the store, and dies while it forgets."""
    with open_store(folder) as store:
        die_at(step)
        await store.forget_user(user_id)


if __name__ == "__main__":
    asyncio.run(forget(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
