"""Ingestion: how many events a second the feature store takes for how long, and what look-ups notice of it."""
