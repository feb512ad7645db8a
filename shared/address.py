"""Where a server listens."""

import structlog

log = structlog.get_logger()


def written(host: str, port: int) -> str:
    """Returns host and port as gRPC takes them; an IPv6 address has colons of its own."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def cannot_listen(purpose: str, host: str, port: int, error: Exception) -> SystemExit:
    """Logs that a port cannot be had; returns the exit to raise (status 1)."""
    log.error("cannot listen; is another process on the port?", purpose=purpose, host=host, port=port, error=str(error))
    return SystemExit(1)
