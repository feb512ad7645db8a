"""The channels to one neighbour."""

from dataclasses import dataclass
from typing import Self

import grpc

from shared.channel import open_channel
from shared.exchange.channel import ExchangeChannel
from shared.exchange.link_address import LinkAddress
from shared.exchange.links import Links


@dataclass(frozen=True)
class NeighbourChannels:
    """How a neighbour is reached; both ways share their connections.

    Attributes:
        calls: For what is asked now and then.
        batches: For what every request asks: over links or open streams, or the same as `calls`.
    """

    calls: grpc.aio.Channel
    batches: grpc.aio.Channel

    @classmethod
    def open(cls, target: str, streams: bool, links: str) -> Self:
        """Returns channels that connect when first used.

        Args:
            target: Of the neighbour, for gRPC.
            streams: Whether batches go over open streams, or links where there are any.
            links: Where the neighbour takes links; empty where it takes none.
        """
        calls = open_channel(target)
        if not streams:
            return cls(calls, calls)
        return cls(calls, ExchangeChannel(calls, links=Links(LinkAddress.parse(links)) if links else None))

    async def close(self) -> None:
        """Ends what is in flight, and the connections."""
        await self.batches.close()  # and with it the one below
