"""Who does the jobs: this process, processes of this machine, or a cluster; the results are the same."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from imssa.errors import MissingToolError, StudyError
from imssa.kernels.parallel import worker_count
from imssa.study.work import Done, Job, done

WAIT_SECONDS: Final = 120.0
"""How long a cluster may take until its first worker is there."""

LIVES: Final = 20
"""Workers that may end under one job before the job is given up."""

Doer = Callable[[Iterator[Job]], Iterator[Done]]


def in_this_process(jobs: Iterator[Job]) -> Iterator[Done]:
    """Does jobs one after the other."""
    return map(done, jobs)


@contextmanager
def doer(jobs: int | None, cluster: str | None) -> Iterator[Doer]:
    """Gives who does jobs.

    Args:
        jobs: Processes of this machine; None: one a core.
        cluster: Address of a Dask scheduler, or local:N for N processes of this machine.

    Raises:
        StudyError: No such cluster.
        MissingToolError: Dask is not installed.
    """
    count = worker_count() if jobs is None else jobs
    if cluster is None and count == 1:
        yield in_this_process
        return
    with _backend(count, cluster) as (settings, found):
        yield _together(settings, found)


def _together(settings: dict[str, Any], count: int) -> Doer:
    """Does jobs in many processes by joblib; whichever is ready first comes first."""
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    def work(jobs: Iterator[Job]) -> Iterator[Done]:
        with parallel_config(n_jobs=count, **settings):
            parallel = Parallel(
                return_as="generator_unordered", pre_dispatch="2*n_jobs", batch_size=1
            )
            try:
                yield from parallel(delayed(done)(job) for job in jobs)
            except TerminatedWorkerError as error:
                raise StudyError(
                    given="a worker process of this study",
                    rule="it was ended from outside, often for want of memory",
                    remedy="Run the study again, with fewer --jobs: finished trials are kept.",
                ) from error

    return work


def _backend(count: int, cluster: str | None) -> AbstractContextManager[tuple[dict[str, Any], int]]:
    if cluster is None:
        return nullcontext(({"backend": "loky", "inner_max_num_threads": 1}, count))
    return _dask(cluster)


@contextmanager
def _dask(cluster: str) -> Iterator[tuple[dict[str, Any], int]]:
    """A Dask cluster for the time of a study."""
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise MissingToolError(
            given=f"--cluster {cluster}",
            rule="it needs Dask distributed, which is not installed",
            remedy="Install it: pip install 'imssa[cluster]'.",
        ) from error
    own = _local_workers(cluster)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # workers started below inherit it
    with dask.config.set({"distributed.scheduler.allowed-failures": LIVES}):
        try:
            server = (
                LocalCluster(
                    n_workers=own, threads_per_worker=1, processes=True, dashboard_address=None
                )
                if own
                else nullcontext(cluster)
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise _unreachable(cluster, error) from error
        with server as address, _client(Client, address, cluster) as client:
            found = sum(client.ncores().values()) or own or 1
            yield (
                {"backend": "dask", "client": client, "wait_for_workers_timeout": WAIT_SECONDS},
                found,
            )


def _client(make: Callable[..., Any], address: Any, cluster: str) -> Any:
    try:
        return make(
            address,
            set_as_default=False,
            timeout=WAIT_SECONDS if not isinstance(address, str) else 10,
        )
    except (OSError, ValueError, TimeoutError) as error:
        raise _unreachable(cluster, error) from error


def _unreachable(cluster: str, error: Exception) -> StudyError:
    return StudyError(
        given=f"--cluster {cluster}",
        rule=f"no scheduler answers there ({str(error).splitlines()[0][:120] if str(error) else type(error).__name__})",
        remedy="Give its address, for instance tcp://host:8786, or local:4 for four processes here.",
    )


def _local_workers(cluster: str) -> int:
    """N of local:N; 0 for an address."""
    kind, _, number = cluster.partition(":")
    if kind != "local":
        return 0
    if not number.isdecimal() or int(number) < 1:
        raise StudyError(
            given=f"--cluster {cluster}",
            rule="a local cluster is local:N, with N processes",
            remedy="Write for instance --cluster local:4.",
        )
    return int(number)
