"""The two-tower model: what items are and what people did and are, each made into a vector by a tower of its own."""
