"""Training again and again without a hand on it: what is new, whether it is better, and what goes live."""
