"""The snapshot: one immutable folder with everything that was trained together, and one manifest.

An encoder, an index, a ranker and a feature schema that were not trained together give nonsense without an error,
so they travel as one and every service loads the same one.
"""
