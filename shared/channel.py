"""Channels to other services: balanced over their replicas, retried where that is safe, kept for the process's life."""

import json

import grpc

from shared.health import LIVENESS

#: Larger than any message of the internal contracts.
MAX_MESSAGE_BYTES = 16 * 1024 * 1024


def service_config(retry: bool) -> str:
    """Returns gRPC's service config: round robin over all addresses, and retries of UNAVAILABLE alone.

    Args:
        retry: Whether to retry. Only the outermost caller and the gateway do: retries at every hop multiply.
    """
    method: dict[str, object] = {"name": [{}]}
    if retry:
        method["retryPolicy"] = {
            "maxAttempts": 3,
            "initialBackoff": "0.02s",
            "maxBackoff": "0.2s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
    return json.dumps(
        {
            "loadBalancingConfig": [{"round_robin": {}}],
            # Watches each replica's liveness, so that none is sent calls any more when it is about to stop.
            "healthCheckConfig": {"serviceName": LIVENESS},
            "methodConfig": [method],
        }
    )


def channel_options(retry: bool) -> list[tuple[str, str | int]]:
    """Returns the options of a channel, for the asyncio and the synchronous API alike."""
    return [
        ("grpc.service_config", service_config(retry)),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        # A backend that comes back after a crash is found within half a second or so, not after a backoff that
        # has grown to two minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 500),
        # Whatever its name says, the time that making one connection may take; a service that is busy greets late.
        ("grpc.min_reconnect_backoff_ms", 5_000),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        # Channels that share connections and watch liveness over them may crash; see winnow.client.connection.
        ("grpc.use_local_subchannel_pool", 1),
    ]


def open_channel(target: str, retry: bool = True) -> grpc.aio.Channel:
    """Returns a plaintext channel to `target`, such as `dns:///winnow-recall:50053`; it connects when first used."""
    return grpc.aio.insecure_channel(target, options=channel_options(retry))
