"""Calls that travel over streams that stay open: docs/adr/0018-batches-over-open-streams.md."""
