"""Killing a feature store in the midst of its work, and looking at what it left."""
