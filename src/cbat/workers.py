"""Processes that work for another one, and end with it."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor

from cbat.files import Keeper, keep, keepers


def worker_pool(n: int) -> ProcessPoolExecutor:
    """A pool of ``n`` processes that start afresh, so that no state of a library is copied half-way."""
    return ProcessPoolExecutor(
        n, multiprocessing.get_context("spawn"), initializer=_start_worker, initargs=keepers()
    )


def _start_worker(*asked: Keeper) -> None:
    for keeper in asked:
        keep(keeper)
    # Ctrl-C ends a worker without a traceback of its own; none stays behind when its parent is killed.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
