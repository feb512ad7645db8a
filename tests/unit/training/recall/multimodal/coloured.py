"""Items of four kinds that only their words and colours tell apart, and people who keep to one kind."""

from pathlib import Path

import numpy as np
from PIL import Image

from services.training.datasets import Interactions, Item
from services.training.holdout import Holdout
from services.training.progress import Silence
from services.training.recall.model import FitContext, RecallData
from services.training.recall.multimodal.config import MultimodalConfig

KINDS = {"poetry": (200, 40, 40), "crime": (40, 200, 40), "travel": (40, 40, 200), "cooking": (200, 200, 40)}
#: Fewer than ten are left that somebody has not met: whoever's kind is known has the next one among the first ten.
EACH = 12
PEOPLE = 160
CONTEXT = FitContext(seed=0, max_history=8, threads=1, display=Silence())

#: Fits in a second.
SMALL = MultimodalConfig(
    epochs=25, patience=25, dimension=16, hidden=32, word_dimension=8, window=8, image_height=12, image_width=8, channels=(4, 8),
    learning_rate=1e-2, batch=16, embedding=8, filters=8, text_length=8,
)  # fmt: skip


def item(number: int, folder: Path | None, *, words: bool = True, image: bool = True) -> Item:
    """An item of the kind that its number says; its picture is its kind's colour, with noise of its own."""
    kind, colour = list(KINDS.items())[number % len(KINDS)]
    path = None
    if image and folder is not None:
        path = folder / f"{number}.png"
        noise = np.random.default_rng(number).integers(-30, 30, (12, 8, 3))
        Image.fromarray((np.array(colour) + noise).astype(np.uint8)).save(path)
    text = f"a book of {kind} for those who like {kind}" if words else ""
    return Item(f"item-{number}", kind if words else "", (), text, {}, image=path)


def catalogue(folder: Path | None, *, words: bool = True) -> tuple[Item, ...]:
    """The items of each kind, with pictures in the folder."""
    return tuple(item(number, folder, words=words) for number in range(EACH * len(KINDS)))


def recall_data(items: tuple[Item, ...]) -> RecallData:
    """What 160 people did, each with items of one kind."""
    rng = np.random.default_rng(0)
    taken = np.stack([rng.permutation(EACH)[:8] * len(KINDS) + person % len(KINDS) for person in range(PEOPLE)])
    events = Interactions.build(users=np.repeat(np.arange(PEOPLE), 8), items=taken.ravel()).sequences(PEOPLE)
    holdout = Holdout.of(events, reserved=1)
    nothing = np.zeros((PEOPLE, 1), dtype=np.float32)
    return RecallData(items, np.zeros((len(items), 1), dtype=np.float32), holdout.fit, nothing, holdout.validation)
