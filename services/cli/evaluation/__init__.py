"""How good the running suite is, measured from outside by real calls."""
