"""Items that come, change and go between two trainings."""
