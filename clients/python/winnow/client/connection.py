"""Where the client connects to, and how: balanced over all addresses, UNAVAILABLE retried and nothing else."""

from __future__ import annotations

import json
import os
import re

DEFAULT_TARGET = "localhost:50051"
TARGET_VARIABLE = "WINNOW_TARGET"
DEFAULT_TIMEOUT_SECONDS = 2.0

_SCHEME = re.compile(r"(dns|ipv4|ipv6|unix|unix-abstract|vsock|xds):|[a-z][a-z0-9+.-]*://")

# Every RPC of the gateway may be repeated: events carry an id that counts once, and the others only read.
_SERVICE_CONFIG = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        # Watches each gateway's liveness: one that is about to stop is sent no more calls, so that none is cut off.
        "healthCheckConfig": {"serviceName": ""},
        "methodConfig": [
            {
                "name": [{"service": "winnow.gateway.v1.GatewayService"}],
                # Goes on for 0.6 to 0.9 s, longer than a connection that was lost waits before it is made again: a call
                # that begins when the gateway is back succeeds. gRPC makes five attempts at most.
                "retryPolicy": {
                    "maxAttempts": 5,
                    "initialBackoff": "0.05s",
                    "maxBackoff": "0.5s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ],
    }
)

CHANNEL_OPTIONS: tuple[tuple[str, str | int], ...] = (
    ("grpc.service_config", _SERVICE_CONFIG),
    ("grpc.enable_retries", 1),
    # A gateway that comes back is found within 0.4 s; by default gRPC waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 300),
    # Whatever its name says, the time that making one connection may take: three round trips with TLS, and a gateway that
    # is busy greets late. What is refused is tried again as above.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Channels that share a connection, as gRPC has those of one process do, and watch liveness over it end the process
    # by SIGSEGV now and then (grpcio 1.78.2 and 1.85.1): one may use a watch that another has made but not yet started.
    ("grpc.use_local_subchannel_pool", 1),
)


def resolve_target(target: str | None) -> str:
    """Returns a gRPC target: `target`, or else $WINNOW_TARGET, or else localhost:50051.

    A plain host:port is resolved by DNS, so that calls are balanced over all addresses of the name; a target that
    names its scheme, such as ipv4:10.0.0.1:50051,10.0.0.2:50051, is taken as it is.
    """
    chosen = target or os.environ.get(TARGET_VARIABLE) or DEFAULT_TARGET
    return chosen if _SCHEME.match(chosen) else f"dns:///{chosen}"
