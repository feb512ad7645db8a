"""The ranker: every candidate of every channel, on one scale."""
