"""How much one request may ask for, by whichever contract it comes."""

MAX_QUERIES = 256
MAX_HISTORY_ROWS = 65_536
MAX_CANDIDATES = 65_536
