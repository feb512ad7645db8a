"""Where things are in Redis.

All keys of a user have the hash tag of the user's bucket, and so has the stream that the user's records are logged to. So they
are in one slot of a cluster, and one script can change what is remembered and log it as one step. A tag for each user would
leave the log out of that; a tag for all would leave one node with the work.
"""

import hashlib

PREFIX = "winnow"

#: Parts that the users are spread over; a cluster cannot have more nodes than that share the work. Stored: never change it.
BUCKETS = 256

#: Everything about items is written seldom and read whole, and changes of many items are one step: one slot has it.
ITEM_FEATURES = f"{PREFIX}:{{items}}:features"
ITEM_WRITES = f"{PREFIX}:{{items}}:writes"
ITEM_WRITE_COUNT = f"{PREFIX}:{{items}}:write_count"
ITEM_LOG = f"{PREFIX}:{{items}}:log"
#: Upserted and withdrawn items: the version of the last change of each, what it is since, and its place.
ITEM_VERSIONS = f"{PREFIX}:{{items}}:versions"
ITEM_CHANGES = f"{PREFIX}:{{items}}:changes"
ITEM_PLACES = f"{PREFIX}:{{items}}:places"
#: The feature views that were ever served.
VIEWS = f"{PREFIX}:{{items}}:views"
FORMAT = f"{PREFIX}:{{items}}:format"
USER_ID_KEY = f"{PREFIX}:{{items}}:user_id_key"


def bucket_of(name: str) -> int:
    """Returns the bucket of a user, an item or a request."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=2).digest(), "big") % BUCKETS


def user(user_id: str) -> str:
    """Returns the key of what is remembered of a user: a hash of its parts."""
    return f"{PREFIX}:{{u{bucket_of(user_id)}}}:user:{user_id}"


def event_ids(user_id: str, generation: int) -> str:
    """Returns the key of the ids of a user's events that were recorded in a generation: a hash of id to time."""
    return f"{PREFIX}:{{u{bucket_of(user_id)}}}:event_ids:{generation}:{user_id}"


def log(bucket: int) -> str:
    """Returns the key of the stream of a bucket's records."""
    return f"{PREFIX}:{{u{bucket}}}:log"


def item_counters(item_id: str) -> str:
    """Returns the key of the counters of an item's events."""
    return f"{PREFIX}:{{i{bucket_of(item_id)}}}:counters:{item_id}"


def all_logs() -> list[str]:
    """Returns the keys of all streams of records."""
    return [*(log(bucket) for bucket in range(BUCKETS)), ITEM_LOG]
