"""Why a snapshot cannot be used."""


class SnapshotRefused(Exception):
    """A snapshot is damaged, incomplete or not for this version.

    Args:
        snapshot_id: Which one.
        problem: What is wrong with it, continuing the sentence "snapshot <id>: …".
    """

    def __init__(self, snapshot_id: str, problem: str) -> None:
        super().__init__(f"snapshot {snapshot_id}: {problem}")
        self.snapshot_id = snapshot_id
        self.problem = problem
