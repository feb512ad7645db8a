"""Measuring one service by itself."""
