"""Published protocols, each run by the same code for every model: one cell of the table of quality at a time."""
