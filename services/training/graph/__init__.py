"""What is done to an exported graph before it is published."""

from services.training.graph.simplification import simplify

__all__ = ["simplify"]
