"""The feature store's exposure log over gRPC."""

import sys
from collections.abc import Sequence

import grpc

from services.gateway.backend import Backend
from services.gateway.circuit import Circuit
from services.gateway.exposure import Exposure
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1.feature_store_service_pb2_grpc import FeatureStoreServiceStub


class ExposureClient:
    """An `ExposureSink`.

    Args:
        channel: To the feature store.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = FeatureStoreServiceStub(channel)
        # A circuit of its own that never opens: a log that cannot be written must not cost requests their users'
        # features, and who sends exposures waits by itself after a failure.
        self._backend = Backend("exposure_log", Circuit(sys.maxsize))

    async def log_exposures(self, exposures: Sequence[Exposure], budget: float) -> None:
        """See `ExposureSink`."""
        request = pb.LogExposuresRequest()
        for one in exposures:
            request.exposures.add(
                request_id=one.request_id,
                user_id=one.user_id,
                snapshot_id=one.snapshot_id,
                experiment_arm=one.arm,
                shown_at_ms=one.shown_at_ms,
                item_ids=one.item_ids,
                scores=one.scores,
                propensities=one.propensities,
                channels=one.channels,
                found_by=one.found_by,
                degraded_stages=one.degraded,
            )
        await self._backend.call(self._stub.LogExposures, request, budget, ())
