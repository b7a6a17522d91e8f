"""The same on an existing Dask cluster, whose workers have Saga Lab installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from grader.batch.folder import NoCluster

PATIENCE = 10
"""Seconds to wait for the scheduler."""


@contextmanager
def executors(address: str) -> Iterator[tuple[Callable[[], Executor], int]]:
    """What makes an executor on the cluster, and how many threads its workers have. Raises NoCluster."""
    try:
        from distributed import Client
    except ImportError:
        raise NoCluster(
            'a Dask cluster needs distributed, which is not installed: pip install "saga-lab[dask]"'
        ) from None
    untyped: Any = Client
    try:
        client: Any = untyped(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        raise NoCluster(
            f"there is no Dask scheduler at {address}: {error}. Start one with `dask scheduler`, and workers "
            "with `dask worker ADDRESS`, or leave --dask out. Nothing was graded"
        ) from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise NoCluster(
                f"the Dask cluster at {address} has no workers, so nothing was graded. Start one: "
                f"dask worker {address} --nthreads 1"
            )
        yield lambda: client.get_executor(pure=False), threads
