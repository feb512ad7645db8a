"""Which threads wait for which."""

import os
import threading

#: As `nice` has it: of the default weight of 1024, this leaves 110.
_NICENESS = 10


def give_way() -> None:
    """Lets the calling thread have a CPU after those that do not give way; of an idle CPU it has as much as before.

    Threads that work for milliseconds at a time otherwise take turns of some milliseconds with the event loop, and
    look-ups, which take a tenth of one, wait for these. Linux has a priority for each thread.
    """
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
