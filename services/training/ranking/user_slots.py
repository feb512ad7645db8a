"""User features without their zeros: most of a one-hot vector is zeros, and fitting need not multiply by them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from shared.features import UserField


class UserSlots(NamedTuple):
    """Which user features may be other than 0, and what they are.

    The first place is the feature that tells a stranger; a categorical field has one place, a number two.

    Attributes:
        columns: int64 [people, places], columns of the user features.
        values: float32 [people, places].
    """

    columns: Tensor
    values: Tensor

    def take(self, rows: Tensor) -> UserSlots:
        """Returns those of some people."""
        return UserSlots(self.columns[rows], self.values[rows])


UserFeatures = Tensor | UserSlots


def field_columns(fields: Sequence[UserField]) -> tuple[slice, ...]:
    """Returns which user features each field becomes; the first is the one that tells a stranger, a field of its own."""
    ends = list(accumulate((field.width for field in fields), initial=1))
    return (slice(0, 1), *(slice(start, end) for start, end in pairwise(ends)))


def field_places(fields: Sequence[UserField]) -> tuple[int, ...]:
    """Returns how many places of `UserSlots` each field has, in the order of `field_columns`."""
    return (1, *(1 if field.kind == "categorical" else field.width for field in fields))


def user_slots(features: Tensor, fields: Sequence[UserField]) -> UserSlots:
    """Leaves out the zeros.

    Args:
        features: float32 [people, user features], as `shared.features.UserFeatureTransform` makes them; zeros for somebody
            unknown.
        fields: What they are made of.
    """
    columns, values = [], []
    for part, places in zip(field_columns(fields), field_places(fields), strict=True):
        found = features[:, part]
        column = found.argmax(dim=1, keepdim=True) if places == 1 else torch.arange(places).expand(len(found), -1)
        columns.append(column + part.start)
        values.append(found.gather(1, column))
    return UserSlots(torch.cat(columns, dim=1), torch.cat(values, dim=1))
