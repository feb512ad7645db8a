"""The store in Redis or a Redis Cluster: for several feature stores side by side, which share what they remember."""
