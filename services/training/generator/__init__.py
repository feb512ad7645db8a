"""The embedded data set: generated, so that it may be shipped, and with a known truth, so that models can be judged."""

from services.training.generator.config import GeneratorConfig
from services.training.generator.generate import GeneratedDataset, generate
from services.training.generator.truth import Truth

__all__ = ["GeneratedDataset", "GeneratorConfig", "Truth", "generate"]
