"""Work on a thread beside the event loop, without making the loop wait."""

import time


def give_way() -> None:
    """Lets go of the interpreter's lock for whoever waits for it.

    A thread that computes in Python keeps the lock for 5 ms at a time, and the event loop needs it several times for each
    request. Called every tenth of a millisecond or so, this leaves hardly anything of that to wait for.
    """
    time.sleep(0)
