"""Click-through data sets: contexts, candidates and whether something came of them."""
