"""Fitting the sequence encoder."""

import numpy as np
import torch

from services.training.config import SequenceConfig
from services.training.datasets import leave_last_out
from services.training.progress import Silence
from services.training.queries import NextItemQueries
from services.training.sequence.encoder import SequenceEncoder
from services.training.sequence.fitting import SequenceFit, fit_sequence_encoder, validation_ndcg
from services.training.sequence.windows import cut_windows
from tests.unit.training.chains import ITEMS, chain_dataset, tiny_config


def fit(seed: int = 0, **chosen: int) -> tuple[SequenceFit, NextItemQueries]:
    """Fits an encoder on the chains; also returns the last step of each, which it did not see."""
    split = leave_last_out(chain_dataset().sequences())
    queries = NextItemQueries.from_split(split)
    config = SequenceConfig.model_validate({**tiny_config().sequence.model_dump(), **chosen})
    return (
        fit_sequence_encoder(split.train, queries, ITEMS, config=config, seed=seed, display=Silence()),
        queries,
    )


def test_the_encoder_learns_what_comes_next() -> None:
    """On walks around a circle it puts the true next item near the top far more often than chance."""
    fitted, queries = fit()

    assert validation_ndcg(fitted.encoder, queries, 8) > 0.6


def test_a_large_catalogue_is_learned_from_samples() -> None:
    """With the sampled softmax it learns the same truth."""
    fitted, queries = fit(full_softmax_items=1, sampled_negatives=16)

    assert validation_ndcg(fitted.encoder, queries, 8) > 0.6


def test_a_last_batch_of_one_window_is_learned_from() -> None:
    """Seventeen users make one window each, one more than fills a batch."""
    sequences = chain_dataset().sequences()
    split = leave_last_out(sequences.where(sequences.users < 17))
    queries = NextItemQueries.from_split(split)
    config = SequenceConfig.model_validate({**tiny_config().sequence.model_dump(), "epochs": 1, "max_history": 50})
    assert len(cut_windows(split.train, config.max_history)) == 17

    fitted = fit_sequence_encoder(split.train, queries, ITEMS, config=config, seed=0, display=Silence())

    assert np.isfinite(fitted.epochs[0].loss)


def test_equal_seeds_give_equal_encoders_and_others_do_not() -> None:
    """The seed decides every parameter."""
    one, same, other = (fit(seed, epochs=1)[0].encoder.state_dict() for seed in (0, 0, 1))

    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["item_embedding.weight"], other["item_embedding.weight"])


def test_the_best_epoch_is_kept() -> None:
    """The encoder has the validation quality of the epoch that is said to be the best, and is in evaluation mode."""
    fitted, queries = fit(epochs=6)

    best = max(epoch.ndcg for epoch in fitted.epochs)
    assert fitted.epochs[fitted.best].ndcg == best
    assert validation_ndcg(fitted.encoder, queries, 8) == best
    assert not fitted.encoder.training


def test_an_untrained_encoder_knows_nothing() -> None:
    """The quality that the other tests ask for does not come from the set-up."""
    torch.manual_seed(0)
    _, queries = fit(epochs=1)

    assert validation_ndcg(SequenceEncoder(ITEMS, tiny_config().sequence), queries, 8) < 0.3
