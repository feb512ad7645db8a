"""The `winnow` command: it imports what a command runs only when that command runs."""
