"""Asks the standard gRPC health service once: exits 0 when the named service is SERVING, else 1.

Kubernetes probes gRPC by itself; Compose can only run a command inside the container, so it mounts this file there.
"""

import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


def is_serving(target: str, service: str, timeout_seconds: float = 2.0) -> bool:
    """Tells whether `service` at `target` answers SERVING within the time; a server that is away is not serving."""
    with grpc.insecure_channel(target) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        try:
            answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=timeout_seconds)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


if __name__ == "__main__":
    sys.exit(not is_serving(target=f"localhost:{sys.argv[1]}", service=sys.argv[2]))
