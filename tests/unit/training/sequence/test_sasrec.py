"""Fitting the sequence encoder."""

from dataclasses import replace

import numpy as np
import torch

from services.training.datasets import Sequences, leave_last_out
from services.training.progress import Silence
from services.training.queries import NextItemQueries
from services.training.recall.judging import validation_ndcg
from services.training.recall.model import FitContext, RecallData, RecallModel
from services.training.sequence.config import SasrecConfig
from services.training.sequence.encoder import SequenceEncoder
from services.training.sequence.sasrec import fit_sasrec
from services.training.sequence.windows import cut_windows
from tests.unit.training.chains import ITEMS, SEQUENCE, USERS, chain_dataset

NOBODY = np.zeros((USERS, 1), dtype=np.float32)


def split(sequences: Sequences | None = None) -> RecallData:
    """The chains; the last step of each is what validates."""
    dataset = chain_dataset()
    parts = leave_last_out(dataset.sequences() if sequences is None else sequences)
    features = np.zeros((ITEMS, 1), dtype=np.float32)
    return RecallData(tuple(dataset.items), features, parts.train, NOBODY, NextItemQueries.from_split(parts))


def context(seed: int = 0, max_history: int = 8) -> FitContext:
    """The circumstances of a fit that nobody looks at."""
    return FitContext(seed=seed, max_history=max_history, threads=1, display=Silence())


def fit(seed: int = 0, **chosen: object) -> RecallModel:
    """Fits an encoder on the chains but for the last step of each."""
    return fit_sasrec(split(), SasrecConfig.model_validate({**SEQUENCE, **chosen}), context(seed))


def quality(model: RecallModel) -> float:
    """How well it tells the last steps."""
    return validation_ndcg(model.encoder, model.item_vectors, split().validation, NOBODY, 8)


def test_the_encoder_learns_what_comes_next() -> None:
    """On walks around a circle it puts the true next item near the top far more often than chance."""
    assert quality(fit()) > 0.6


def test_a_large_catalogue_is_learned_from_samples() -> None:
    """With the sampled softmax it learns the same truth."""
    assert quality(fit(full_softmax_items=1, sampled_negatives=16)) > 0.6


def test_a_last_batch_of_one_window_is_learned_from() -> None:
    """Seventeen users make one window each, one more than fills a batch."""
    sequences = chain_dataset().sequences()
    data = split(sequences.where(sequences.users < 17))
    assert len(cut_windows(data.events, 50)) == 17

    fitted = fit_sasrec(data, SasrecConfig.model_validate({**SEQUENCE, "epochs": 1}), context(max_history=50))

    assert np.isfinite(fitted.epochs[0].loss)


def test_equal_seeds_give_equal_encoders_and_others_do_not() -> None:
    """The seed decides every parameter."""
    one, same, other = (fit(seed, epochs=1).encoder.state_dict() for seed in (0, 0, 1))

    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["item_embedding.weight"], other["item_embedding.weight"])


def test_the_best_epoch_is_kept() -> None:
    """The encoder has the validation quality of the best epoch, and is in evaluation mode."""
    fitted = fit(epochs=6)

    assert quality(fitted) == max(epoch.ndcg for epoch in fitted.epochs)
    assert not fitted.encoder.training


def test_words_tell_of_items_that_few_people_met() -> None:
    """Items that nobody is seen to go to have the word of the quarter of the circle that they stand in, and nothing else."""
    data = split()
    seen = data.events.where(data.events.items % 4 != 0)
    asked = np.flatnonzero(data.validation.targets % 4 == 0)
    data = replace(data, events=seen, validation=data.validation.take(asked))

    without, with_words = (
        fit_sasrec(data, SasrecConfig.model_validate({**SEQUENCE, "text_dimension": width}), context())
        for width in (0, 4)
    )

    assert max(one.ndcg for one in with_words.epochs) > 1.5 * max(one.ndcg for one in without.epochs)


def test_words_leave_a_table_of_items_like_any_other() -> None:
    """What is served has the parameters that it has without words, and gives what validated."""
    plain, described = fit(epochs=1), fit(epochs=1, text_dimension=4)

    assert list(described.encoder.state_dict()) == list(plain.encoder.state_dict())
    assert quality(described) == described.epochs[0].ndcg


def test_weight_decay_keeps_item_vectors_small() -> None:
    """And without it they grow."""
    small, large = fit(weight_decay=5.0), fit()

    assert np.linalg.norm(small.item_vectors) < 0.8 * np.linalg.norm(large.item_vectors)


def test_an_untrained_encoder_knows_nothing() -> None:
    """The quality that the other tests ask for does not come from the set-up."""
    torch.manual_seed(0)
    encoder = SequenceEncoder(ITEMS, SasrecConfig.model_validate(SEQUENCE), max_history=8).eval()

    assert quality(RecallModel(encoder, encoder.item_embedding.weight.detach().numpy())) < 0.3
