"""Recall: finds candidates for users in several channels and merges them."""
