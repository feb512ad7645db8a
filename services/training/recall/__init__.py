"""Recall models: a file each, one line each in `registry`, and what all have in common in `model`."""
