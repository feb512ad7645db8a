"""Measuring the quality of models by published protocols."""
