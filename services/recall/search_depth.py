"""How deep to search an Annoy index: from the curve that training measured, for the recall that is wanted."""

import math
from dataclasses import dataclass

import structlog

from shared.snapshot.manifest import ChannelEntry

#: Recall that is aimed at unless the settings say otherwise.
DEFAULT_TARGET = 0.97

log = structlog.get_logger()


@dataclass(frozen=True)
class SearchDepth:
    """How many nodes to inspect.

    Attributes:
        search_k: Nodes for a list of `neighbours`.
        neighbours: The length of the lists that `search_k` was measured with; 0 where nothing is known of longer ones.
    """

    search_k: int
    neighbours: int = 0

    def nodes(self, wanted: int, trees: int) -> int:
        """Returns the nodes to inspect for a list of `wanted`: in proportion for a longer one, as many for a shorter."""
        if self.neighbours:
            return max(self.search_k, math.ceil(self.search_k * wanted / self.neighbours))
        # Annoy's own default, and training's measure as the least.
        return max(self.search_k, wanted * trees)


def depth_for(entry: ChannelEntry, target: float) -> SearchDepth:
    """Returns the depth at the first point of the channel's curve that reaches the target.

    Nothing is read between two points: what lies there was not measured. Where no point reaches the target it is the
    best one, and a warning is logged; a channel without a curve is searched with its `search_k`.

    Args:
        entry: The channel in the manifest.
        target: The recall that is wanted, above 0 and at most 1.
    """
    if not entry.curve:
        return SearchDepth(entry.search_k)
    curve = sorted(entry.curve, key=lambda point: point.search_k)
    reached = [point for point in curve if point.recall >= target]
    point = reached[0] if reached else max(curve, key=lambda point: point.recall)
    if not reached:
        log.warning(
            "no measured depth reaches the recall that is wanted; searching as deep as helps",
            channel=entry.name,
            target=target,
            recall=point.recall,
            search_k=point.search_k,
        )
    return SearchDepth(point.search_k, point.neighbours)
