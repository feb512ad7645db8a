"""A small convolutional network over images, trained from scratch."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

_GROUPS = 4


class ImageCnn(nn.Module):
    """Convolutions that each halve the picture, and the mean over what is left of it.

    Groups of an image's own channels are normalised (Wu & He, ECCV 2018) rather than the batch: what an image gives does
    not depend on the images beside it.

    Args:
        channels: Filters of each convolution, multiples of 4.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((3, *channels), channels, strict=False):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(_GROUPS, after), nn.GELU()]
        self.layers = nn.Sequential(*layers)
        self.dimension = 2 * channels[-1]

    def forward(self, pixels: Tensor) -> Tensor:
        """Computes each image's features: the mean of the upper and of the lower half, a title stands rarely in both.

        Args:
            pixels: uint8 [images, 3, height, width].

        Returns:
            float [images, dimension].
        """
        seen: Tensor = self.layers(pixels.float() / 127.5 - 1.0)
        return nn.functional.adaptive_avg_pool2d(seen, (2, 1)).flatten(1)
