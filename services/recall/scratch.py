"""Memory that a thread scores in, kept from one block to the next."""

import threading
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_thread = threading.local()


def scratch(rows: int, columns: int, dtype: DTypeLike) -> NDArray[Any]:
    """Returns an array [rows, columns] of this thread, with whatever is in it; the next call takes it back.

    Memory that is asked for anew for each block stays with the process in pieces that fit nobody.
    """
    wanted = np.dtype(dtype).itemsize * rows * columns
    if getattr(_thread, "memory", _NOTHING).nbytes < wanted:
        _thread.memory = np.empty(wanted, dtype=np.uint8)
    memory: NDArray[np.uint8] = _thread.memory
    return memory[:wanted].view(dtype).reshape(rows, columns)


_NOTHING = np.empty(0, dtype=np.uint8)
