"""`winnow experiments`: what a file of experiments says, and what came of them."""
