"""The LMDB databases of the store."""

#: The layout of the databases and of what is in them. A store of another one is refused.
FORMAT_VERSION = 1

META = "meta"
USERS = "users"
EVENT_TIMES_BY_KEY = "event_times_by_key"
EVENT_KEYS_BY_TIME = "event_keys_by_time"
#: A store that was made before items could be written lacks it until it is opened.
ITEM_FEATURES = "item_features"
#: And these, before items could be upserted.
ITEM_CHANGES = "item_changes"
ITEM_PLACES = "item_places"

DATABASES = (META, USERS, EVENT_TIMES_BY_KEY, EVENT_KEYS_BY_TIME, ITEM_FEATURES, ITEM_CHANGES, ITEM_PLACES)
#: Those that a store of this format may lack.
LATER_DATABASES = frozenset({ITEM_FEATURES, ITEM_CHANGES, ITEM_PLACES})
