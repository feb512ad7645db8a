"""A steady stream of Recommend calls in the background, and what became of each."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from winnow.client import AsyncWinnowClient, RecommendResult, WinnowError

#: How long a test waits for something that takes well under a second on an idle machine.
PATIENCE_SECONDS = 60.0


class Traffic:
    """Callers that ask again as soon as they are answered, and a count of the answers.

    Attributes:
        answered: Results by the degraded stages that they name, as a sorted tuple; () for whole ones.
        reasons: Degradations by stage and reason.
        failed: Failures by the error that the client raised.
        newest_snapshot: The snapshot of the newest answer.
    """

    def __init__(self) -> None:
        self.answered: Counter[tuple[str, ...]] = Counter()
        self.reasons: Counter[tuple[str, str]] = Counter()
        self.failed: Counter[str] = Counter()
        self.newest_snapshot = ""
        self._news = asyncio.Condition()

    @property
    def whole(self) -> int:
        """Answers that were not degraded."""
        return self.answered[()]

    def degraded_at(self, stage: str) -> int:
        """Answers that name a stage as degraded."""
        return sum(count for stages, count in self.answered.items() if stage in stages)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until `condition` holds; it is checked after every answer.

        Raises:
            TimeoutError: it never did.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._news:
                await self._news.wait_for(condition)
        except TimeoutError as error:
            seen = f"answered {dict(self.answered)}, degraded {dict(self.reasons)}, failed {dict(self.failed)}"
            raise TimeoutError(f"not within {PATIENCE_SECONDS:g} s: {seen}") from error

    async def more_whole_answers(self, count: int) -> None:
        """Waits for `count` more answers that are not degraded."""
        goal = self.whole + count
        await self.until(lambda: self.whole >= goal)

    async def keep_asking(self, client: AsyncWinnowClient, user_ids: Sequence[str]) -> None:
        """Asks for one user after the other, for ever."""
        for user_id in itertools.cycle(user_ids):
            try:
                self._count(await client.recommend(user_id, max_results=5))
            except WinnowError as error:
                self.failed[type(error).__name__] += 1
            async with self._news:
                self._news.notify_all()

    def _count(self, result: RecommendResult) -> None:
        if len(result.items) != 5:
            self.failed["too few items"] += 1
        self.reasons.update((degradation.stage, degradation.reason) for degradation in result.degradations)
        self.newest_snapshot = result.snapshot_id
        self.answered[tuple(sorted({degradation.stage for degradation in result.degradations}))] += 1


@asynccontextmanager
async def traffic(client: AsyncWinnowClient, user_ids: Sequence[str], callers: int = 8) -> AsyncIterator[Traffic]:
    """Runs traffic while the context is open; it begins once the first answers have come."""
    stream = Traffic()
    share = [user_ids[start::callers] for start in range(callers)]
    tasks = [asyncio.create_task(stream.keep_asking(client, users)) for users in share]
    try:
        await stream.more_whole_answers(callers)
        yield stream
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
