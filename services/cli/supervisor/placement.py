"""Which service runs on which CPUs of one machine."""

from collections.abc import Collection, Mapping


def placement(cpus: Collection[int]) -> Mapping[str, tuple[int, ...]]:
    """Returns the CPUs of the services that cost most, so that each stays where its code and data are in the cache.

    Recall never shares one with the gateway, for the two are busy at the same time. Recall and ranking, which compute on
    threads, have all that is left. The feature store, which costs least, goes wherever there is room; so does ranking
    where each of the others has but one, since beside either it would make that one what everything waits for.

    Args:
        cpus: Those that the suite may use.

    Returns:
        By service, without those that go anywhere; nothing where there is one CPU, and so nothing to choose.
    """
    if len(cpus) < 2:
        return {}
    first, *rest = sorted(cpus)
    half = len(rest) // 2
    placed = {"gateway": (first,), "ranking": tuple(rest[:half]), "recall": tuple(rest[half:])}
    return {name: some for name, some in placed.items() if some}
