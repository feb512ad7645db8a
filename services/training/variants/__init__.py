"""The ranker in lower precisions, and whether they rank as well."""
