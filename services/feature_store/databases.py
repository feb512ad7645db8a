"""The LMDB databases of the store."""

#: The layout of the databases and of what is in them. A store of another one is refused.
FORMAT_VERSION = 2

META = "meta"
#: The parts of users, by user id: records, tails and filters, as `stored_user.UserParts` says.
USERS = "users"
TAILS = "tails"
SEEN_FILTERS = "seen_filters"
EVENT_KEYS = "event_keys"
ITEM_FEATURES = "item_features"
#: From `decayed_counters.count_events`, by item id.
ITEM_COUNTERS = "item_counters"
#: Upserted and withdrawn items: the last change of each by version, and where that is by item id.
ITEM_CHANGES = "item_changes"
ITEM_PLACES = "item_places"

DATABASES = (
    META,
    USERS,
    TAILS,
    SEEN_FILTERS,
    EVENT_KEYS,
    ITEM_FEATURES,
    ITEM_COUNTERS,
    ITEM_CHANGES,
    ITEM_PLACES,
)
