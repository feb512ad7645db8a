"""The public door of the suite: asks recall, ranking and the feature store, and answers when they do not."""
