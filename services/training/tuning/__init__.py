"""Searching for a recall model's settings."""
