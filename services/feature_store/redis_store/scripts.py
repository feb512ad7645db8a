"""The steps that Redis takes as one. Each compares what is there with what the writer read, and changes nothing where it differs.

A late writer so never overwrites a newer one: it reads again and tries once more.
"""

from collections.abc import Awaitable, Sequence
from typing import Any, Final

from redis.exceptions import NoScriptError

from services.feature_store.redis_store.connection import Client

#: Of a part of a user: what to do with it.
KEEP: Final = b"="
REMOVE: Final = b"-"
PUT: Final = b"+"

#: KEYS: the user, the event ids, the log. ARGV: the version that was read ("" where there was no user), the new version, the
#: record, the tail and the filter with what to do with each in front, when the event ids expire in ms since 1970, their time,
#: how many records the log keeps, how many ids there are, the ids, the log's records. Returns 1, or 0 where the user changed in between.
CHANGE_USER = """
local found = redis.call('HGET', KEYS[1], 'version') or ''
if found ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2])
for place, name in ipairs({'record', 'tail', 'filter'}) do
  local given = ARGV[2 + place]
  local step = string.sub(given, 1, 1)
  if step == '+' then redis.call('HSET', KEYS[1], name, string.sub(given, 2))
  elseif step == '-' then redis.call('HDEL', KEYS[1], name) end
end
local ids = tonumber(ARGV[9])
for place = 10, 9 + ids do redis.call('HSET', KEYS[2], ARGV[place], ARGV[7]) end
if ids > 0 then redis.call('PEXPIREAT', KEYS[2], ARGV[6]) end
for place = 10 + ids, #ARGV do
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[8], '*', 'record', ARGV[place])
end
return 1
"""

#: KEYS: a value. ARGV: what was read ("" where there was nothing), what to write. Returns 1, or 0 where it changed in between.
REPLACE = """
local found = redis.call('GET', KEYS[1]) or ''
if found ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""

#: KEYS: the features, the writes, their count, the log. ARGV: how many entries the writes and the log keep, the write, how many
#: items; for each its id, what was read ("" where there was nothing) and what to store ("" where it stays); the log's records. Returns
#: the number of the write, or 0 where an item changed in between.
WRITE_ITEMS = """
local items = tonumber(ARGV[4])
for place = 5, 4 + 3 * items, 3 do
  local found = redis.call('HGET', KEYS[1], ARGV[place]) or ''
  if found ~= ARGV[place + 1] then return 0 end
end
for place = 5, 4 + 3 * items, 3 do
  if ARGV[place + 2] ~= '' then redis.call('HSET', KEYS[1], ARGV[place], ARGV[place + 2]) end
end
local number = redis.call('INCR', KEYS[3])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], number .. '-1', 'write', ARGV[3])
for place = 5 + 3 * items, #ARGV do
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[2], '*', 'record', ARGV[place])
end
return number
"""


#: KEYS: the versions, the changes, the places, the log. ARGV: the last version that was read, how many records the log keeps,
#: how many items; for each its id, version, change and place; the log's records. Returns 1, or 0 where items were changed in
#: between.
CHANGE_ITEMS = """
local newest = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
if tonumber(newest[2] or 0) ~= tonumber(ARGV[1]) then return 0 end
local items = tonumber(ARGV[3])
for place = 4, 3 + 4 * items, 4 do
  redis.call('ZADD', KEYS[1], ARGV[place + 1], ARGV[place])
  redis.call('HSET', KEYS[2], ARGV[place], ARGV[place + 2])
  redis.call('HSET', KEYS[3], ARGV[place], ARGV[place + 3])
end
for place = 4 + 4 * items, #ARGV do
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[2], '*', 'record', ARGV[place])
end
return 1
"""


class Script:
    """One of these steps, sent by its checksum; a node that does not know it is told.

    Args:
        client: Of the server or the cluster.
        source: In Lua.
    """

    def __init__(self, client: Client, source: str) -> None:
        self._client = client
        self._source = source
        self._sha = ""

    async def run_many(self, calls: Sequence[tuple[Sequence[str], Sequence[Any]]]) -> list[int]:
        """Runs the step for each pair of keys and arguments, all under way at once, and returns what each returned.

        Raises:
            RedisError: one failed; the others may have been taken.
        """
        results = await self._send(calls)
        if unknown := [place for place, result in enumerate(results) if isinstance(result, NoScriptError)]:
            self._sha = ""
            again = await self._send([calls[place] for place in unknown])
            for place, result in zip(unknown, again, strict=True):
                results[place] = result
        for result in results:
            if isinstance(result, Exception):
                raise result
        return results

    async def _send(self, calls: Sequence[tuple[Sequence[str], Sequence[Any]]]) -> list[Any]:
        if not self._sha:
            self._sha = await self._load()
        pipeline: Any = self._client.pipeline(transaction=False)
        for key_names, arguments in calls:
            # `evalsha` itself is barred from a cluster's pipelines, for its keys may be anywhere; ours share a slot.
            pipeline.execute_command("EVALSHA", self._sha, len(key_names), *key_names, *arguments)
        results: list[Any] = await pipeline.execute(raise_on_error=False)
        return results

    async def _load(self) -> str:
        loaded: Awaitable[Any] = self._client.script_load(self._source)
        answer = await loaded
        return answer.decode() if isinstance(answer, bytes) else str(answer)
