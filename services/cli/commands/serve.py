"""`winnow serve`."""

from pathlib import Path

from services.cli.commands import options


def serve(
    root: options.Root = Path("var"),
    host: options.Host = "127.0.0.1",
    port_base: options.PortBase = 50051,
    metrics_port_base: options.MetricsPortBase = 9101,
    gateway_port: options.ServicePort = None,
    feature_store_port: options.ServicePort = None,
    recall_port: options.ServicePort = None,
    ranking_port: options.ServicePort = None,
    workers: options.Workers = None,
    pin: options.Pin = False,
    awake: options.Awake = False,
) -> None:
    """Start the four services, restart any that dies, and stop them all on Ctrl-C.

    It returns to the prompt only when they have stopped. Each service logs to a file of its own below ROOT/logs, and
    can be set by its environment variables: see `python -m services.gateway --help`.

    \b
    Examples:
      winnow serve
      winnow serve --root /srv/winnow --port-base 6000 --metrics-port-base 0 --pin --awake
    """
    import asyncio

    from services.cli.serving import serve_suite
    from services.cli.supervisor import SuitePorts
    from services.cli.supervisor.foreground import until_signal

    ports = SuitePorts.from_base(port_base, metrics_port_base).replace(
        gateway=gateway_port, feature_store=feature_store_port, recall=recall_port, ranking=ranking_port
    )
    asyncio.run(until_signal(serve_suite(root, ports, host, workers=workers, pin=pin, stay_awake=awake)))
