"""What happened, in order and for good: the log that the feature store writes and training reads."""
