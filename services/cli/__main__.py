"""The entry of the `winnow` command."""

from services.cli.app import app


def main() -> None:
    """Runs the command line of this process."""
    app()


if __name__ == "__main__":
    main()
