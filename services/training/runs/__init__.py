"""A run of training: what it can resume from, what it did, and how to do it again."""
