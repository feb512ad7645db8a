"""Models that predict how many stars somebody gives to an item."""
