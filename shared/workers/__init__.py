"""Several processes of one service that share a port, for machines with many cores: docs/adr/0009-workers.md."""
