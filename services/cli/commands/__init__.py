"""The commands. A module here imports typer alone; what a command works with is imported inside its function."""
