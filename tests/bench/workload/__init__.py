"""The yardstick's workload: a snapshot and users that follow from a size and a seed alone."""
