"""Item vectors from what an item is, its words and its image: also for items that nobody has met."""
