"""Waiting until the answers of a suite are whole: that its services are ready does not tell that the gateway knows it."""

import asyncio
from collections.abc import Sequence

from services.cli.recommendations import in_words
from winnow.client import AsyncWinnowClient, WinnowError

#: Longer than the gateway takes to notice that a service is there, with the settings that it comes with.
PATIENCE_SECONDS = 10.0

#: Nobody, but by a name: an answer to nobody in particular does not even ask the feature store.
_USER_ID = "winnow-until-whole"

_PAUSE_SECONDS = 0.05
_TIMEOUT_SECONDS = 10.0


async def until_whole(client: AsyncWinnowClient, patience: float = PATIENCE_SECONDS) -> Sequence[str]:
    """Asks for items, again and again, until an answer does without nothing.

    The gateway takes a service for down that was not there the first few times, until it asks it the next time. What is
    answered meanwhile does without the service, however ready it is.

    Args:
        client: Of the suite's gateway.
        patience: Seconds after which an answer that is not whole is the last; with 0 it asks once.

    Returns:
        What was wrong with the last answer, in words; nothing when answers are whole.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + patience
    while (problems := await _problems(client)) and loop.time() < end:  # noqa: ASYNC110 - another process is waited for
        await asyncio.sleep(_PAUSE_SECONDS)
    return problems


async def _problems(client: AsyncWinnowClient) -> Sequence[str]:
    try:
        answer = await client.recommend(_USER_ID, untracked=True, timeout=_TIMEOUT_SECONDS)
    except WinnowError as error:
        return [f"the gateway failed: {error.message} ({error.code.name})."]
    return [in_words(missing) for missing in answer.degradations]
