"""Which service runs on which CPUs of one machine."""

from collections.abc import Collection, Mapping


def placement(cpus: Collection[int], gateway_workers: int = 1) -> Mapping[str, tuple[int, ...]]:
    """Returns the CPUs of the services that cost most, so that each stays where its code and data are in the cache.

    The gateway has one for each of its processes, but at most half of all: each is an event loop that keeps one busy. Recall
    never shares one with it, for the two are busy at the same time. Recall and ranking, which compute on threads, have all
    that is left. The feature store, which costs least, goes wherever there is room; so does ranking where each of the
    others has but one, since beside either it would make that one what everything waits for.

    Args:
        cpus: Those that the suite may use.
        gateway_workers: Processes of the gateway, at least 1.

    Returns:
        By service, without those that go anywhere; nothing where there is one CPU, and so nothing to choose.
    """
    if len(cpus) < 2:
        return {}
    ordered = sorted(cpus)
    loops = min(gateway_workers, len(ordered) // 2)
    rest = ordered[loops:]
    half = len(rest) // 2
    placed = {"gateway": tuple(ordered[:loops]), "ranking": tuple(rest[:half]), "recall": tuple(rest[half:])}
    return {name: some for name, some in placed.items() if some}
