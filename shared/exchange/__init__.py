"""Calls that travel over a stream that stays open, because opening one costs several times what a message does."""
