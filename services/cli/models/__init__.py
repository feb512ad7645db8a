"""What `winnow models` does."""
