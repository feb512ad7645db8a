"""An expected failure of a command."""


class Failure(Exception):
    """What went wrong and what to do about it, in a plain sentence or two; shown without a traceback.

    Args:
        message: For the person at the terminal.
        exit_code: 1 when the work failed, 2 when the command was called wrongly.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
