"""Forgetting a user: in the feature store, and in folders of training examples."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from services.cli.failure import Failure
from services.cli.gateway import calling
from services.cli.output import console, print_json
from services.cli.users.examples import erase_examples
from shared.user_ids import UserIds, read_key
from winnow.client import ForgetResult


def forget(
    user_id: str, target: str | None, seconds: float, *, examples: Sequence[Path], key_file: Path | None, as_json: bool
) -> None:
    """Erases a user and prints the receipt.

    Args:
        user_id: Whom.
        target: The gateway.
        seconds: How long the feature store may take.
        examples: Folders of training examples to erase the user's rows from.
        key_file: Holds the key by whose hashes the store keeps users, if it does.
        as_json: Whether to print JSON.

    Raises:
        Failure: something could not be erased.
    """
    # What can be wrong here is found before anything is erased.
    stored_id = stored_user_id(user_id, key_file)
    for folder in examples:
        if not folder.is_dir():
            raise Failure(f"{folder} is no folder. Nothing was erased.", exit_code=2)
    with calling(target, seconds) as client:
        receipt = client.forget_user(user_id)
    rows = {folder: erase_examples(folder, stored_id) for folder in examples}
    if as_json:
        print_json(
            {
                "erased": dict(receipt.erased),
                "examples": {str(folder): count for folder, count in rows.items()},
                "erased_at": receipt.erased_at.isoformat(),
                "request_id": receipt.request_id,
            }
        )
    else:
        _print(receipt, rows)


def stored_user_id(user_id: str, key_file: Path | None) -> str:
    """Returns the id that a user is stored under.

    Raises:
        Failure: the key cannot be used.
    """
    try:
        return UserIds(read_key("", key_file)).stored(user_id)
    except ValueError as error:
        raise Failure(f"The user id key cannot be used: {error}.", exit_code=2) from error


def _print(receipt: ForgetResult, rows: dict[Path, int]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("place")
    table.add_column("erased", justify="right")
    for place, count in receipt.erased.items():
        table.add_row(place, f"{count:,}")
    for folder, count in rows.items():
        table.add_row(f"examples in {folder}", f"{count:,}")
    console().print(table)
    console().print(f"\nForgotten since {receipt.erased_at:%Y-%m-%d %H:%M:%S} UTC.")
