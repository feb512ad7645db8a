"""From a user's attributes to numbers: one transform, declared in the manifest, for training and serving alike."""

from collections.abc import Mapping, Sequence
from typing import Literal

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
    deviation: float = 1.0

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
            if field.kind == "categorical":
                known = isinstance(value, str)
                features[position + (slots.get(value, 0) if isinstance(value, str) else 0)] = 1.0
            else:
                known = isinstance(value, (int, float)) and bool(np.isfinite(value))
                if known and not isinstance(value, str) and value is not None:
                    scaled = (value - field.mean) / field.deviation
                    features[position] = min(MAX_DEVIATIONS, max(-MAX_DEVIATIONS, scaled))
                else:
                    features[position + 1] = 1.0
            if known:
                features[0] = 1.0
            position += field.width
        return features
