"""From a user's attributes to numbers: one transform, declared in the manifest, for training and serving alike."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

AttributeValue = str | float


class UserField(msgspec.Struct, frozen=True):
    """One user attribute and how it becomes features.

    Attributes:
        name: The attribute's name.
        kind: "categorical" becomes one-hot over `vocabulary`, with a slot in front for missing and unknown values;
            "number" becomes (value - mean) / deviation and a flag that is 1 where it is missing.
        vocabulary: The values that a categorical field knows.
        mean: Of a number, in the training data.
        deviation: Standard deviation of a number in the training data, above 0.
    """

    name: str
    kind: Literal["categorical", "number"]
    vocabulary: tuple[str, ...] = ()
    mean: float = 0.0
    deviation: Annotated[float, msgspec.Meta(gt=0)] = 1.0

    @property
    def width(self) -> int:
        """How many features the field becomes."""
        return len(self.vocabulary) + 1 if self.kind == "categorical" else 2


#: A number this many deviations from the mean is as far as any: an absurd age must not drown everything else.
MAX_DEVIATIONS = 5.0


class UserFeatureTransform:
    """Turns attributes into a vector of features.

    The first feature is 1 where any declared attribute is present, so that there is always at least one feature and
    a model can tell a stranger. The fields follow in order. Values of the wrong type count as missing.

    Args:
        fields: The declared attributes.
    """

    def __init__(self, fields: Sequence[UserField]) -> None:
        self._fields = tuple(fields)
        self._slots = [{value: slot + 1 for slot, value in enumerate(field.vocabulary)} for field in self._fields]
        self.width = 1 + sum(field.width for field in self._fields)

    @property
    def names(self) -> list[str]:
        """The name of each feature, such as `gender=F` or `age`."""
        names = ["any attribute"]
        for field in self._fields:
            if field.kind == "categorical":
                names += [f"{field.name}=?", *(f"{field.name}={value}" for value in field.vocabulary)]
            else:
                names += [field.name, f"{field.name} missing"]
        return names

    def __call__(self, attributes: Mapping[str, AttributeValue]) -> NDArray[np.float32]:
        """Returns the features, float32 [width], all finite."""
        features = np.zeros(self.width, dtype=np.float32)
        position = 1
        for field, slots in zip(self._fields, self._slots, strict=True):
            value = attributes.get(field.name)
            part = features[position : position + field.width]
            present = _one_hot(value, slots, part) if field.kind == "categorical" else _scale(value, field, part)
            if present:
                features[0] = 1.0
            position += field.width
        return features


def _one_hot(value: AttributeValue | None, slots: Mapping[str, int], out: NDArray[np.float32]) -> bool:
    """Writes a category's features and returns whether the attribute is present."""
    if not isinstance(value, str):
        out[0] = 1.0
        return False
    out[slots.get(value, 0)] = 1.0
    return True


def _scale(value: AttributeValue | None, field: UserField, out: NDArray[np.float32]) -> bool:
    """Writes a number's features and returns whether the attribute is present."""
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        out[1] = 1.0
        return False
    out[0] = min(MAX_DEVIATIONS, max(-MAX_DEVIATIONS, (value - field.mean) / field.deviation))
    return True
