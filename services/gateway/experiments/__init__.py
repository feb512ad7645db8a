"""Which users are served otherwise, to learn what is better."""
