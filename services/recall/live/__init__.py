"""Items beside those of the snapshot: added, changed or withdrawn since it was trained, and found all the same."""
