"""A circuit breaker: a neighbour that is down costs a request nothing, instead of a timeout or rounds of retries."""


class Circuit:
    """Counts failures in a row; after so many it is open. What closes it is a sign of life, not a caller's attempt.

    Args:
        failures: How many in a row open it.
    """

    def __init__(self, failures: int) -> None:
        self._threshold = failures
        self._failures = 0

    @property
    def is_open(self) -> bool:
        """Whether the neighbour is taken to be down, so that nobody should wait for it."""
        return self._failures >= self._threshold

    def failed(self) -> None:
        """Notes that the neighbour did not answer."""
        self._failures += 1

    def succeeded(self) -> None:
        """Notes that the neighbour answered."""
        self._failures = 0

    def stirred(self) -> None:
        """Notes a sign of life, short of an answer to what requests ask: the next call goes through, to see.

        One more failure opens the circuit again. A neighbour that tells its state but hangs on everything else would
        otherwise cost as many callers as at first, over and over.
        """
        self._failures = min(self._failures, self._threshold - 1)
