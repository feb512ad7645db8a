"""What decides a result changes its digest, and nothing else does."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from services.training.config import TrainingConfig
from services.training.datasets import Dataset
from services.training.runs.data_digest import data_digest
from services.training.runs.digests import settings_digest, tensor_digests
from tests.unit.training.chains import chain_dataset


def with_another_title(dataset: Dataset) -> Dataset:
    """One item is called something else."""
    return replace(dataset, items=(replace(dataset.items[0], title="Other"), *dataset.items[1:]))


def with_another_age(dataset: Dataset) -> Dataset:
    """One user is older."""
    return replace(dataset, users=(replace(dataset.users[0], attributes={"age": 99.0}), *dataset.users[1:]))


def with_another_event(dataset: Dataset) -> Dataset:
    """One event is with another item."""
    items = dataset.interactions.items.copy()
    items[0] = (items[0] + 1) % 40
    return replace(dataset, interactions=replace(dataset.interactions, items=items))


@pytest.mark.parametrize("change", [with_another_title, with_another_age, with_another_event])
def test_other_data_have_another_digest(change: object) -> None:
    """An item, a user or an event that differs."""
    assert callable(change)
    assert data_digest(change(chain_dataset())) != data_digest(chain_dataset())


def test_the_same_data_have_the_same_digest() -> None:
    """Whatever they are called and in whatever order attributes stand."""
    dataset = chain_dataset()
    users = tuple(replace(user, attributes=dict(reversed(list(user.attributes.items())))) for user in dataset.users)

    assert data_digest(replace(dataset, name="other", users=users)) == data_digest(chain_dataset())


def test_settings_count_and_threads_do_not() -> None:
    """A job may be resumed with another number of threads."""
    config = TrainingConfig()

    assert settings_digest(config.model_copy(update={"threads": 3})) == settings_digest(config)
    assert settings_digest(config.model_copy(update={"seed": 3})) != settings_digest(config)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.bool])
def test_a_tensor_s_digest_is_that_of_its_type_shape_and_content(dtype: torch.dtype) -> None:
    """Also for a single number and for a view of another tensor."""
    one = torch.as_tensor(np.arange(6).reshape(2, 3)).to(dtype)
    digests = tensor_digests(
        {"one": one, "same": one.T.T, "flat": one.flatten(), "turned": one.T, "number": one[0, 0], "more": one + one}
    )

    assert digests["one"] == digests["same"]
    assert len(set(digests.values())) >= 4
