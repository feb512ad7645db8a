"""The feature store: what the suite remembers of users, and the feature matrix of all items."""
