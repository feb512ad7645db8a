"""The sequence model: from what somebody met, in order, to what comes next."""
