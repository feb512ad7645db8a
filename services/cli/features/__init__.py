"""Feature views on the command line: those of a data set's folder, and those of a snapshot."""
