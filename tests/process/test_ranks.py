"""Processes that a launcher started, all calling `init()` with nothing else, write to one run."""

import contextlib
import mmap
import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from waiting import TIMEOUT_SECS, wait_until

import runlake as rl

RANK = Path(__file__).with_name("rank.py")


def torchrun(rank, size):
    return {
        "RANK": rank,
        "WORLD_SIZE": size,
        "LOCAL_RANK": rank,
        "LOCAL_WORLD_SIZE": size,
        "TORCHELASTIC_RUN_ID": "job-1",
    }


def torchrun_on_one_machine(rank, size):
    return torchrun(rank, size) | {"TORCHELASTIC_RUN_ID": "none"}


def srun(rank, size):
    return {
        "SLURM_JOB_ID": "77",
        "SLURM_STEP_ID": "0",
        "SLURM_PROCID": rank,
        "SLURM_NTASKS": size,
        "SLURM_STEP_NUM_TASKS": size,
        "SLURM_STEP_TASKS_PER_NODE": f"{size // 2}(x2)",
    }


def mpirun(rank, size):
    return {
        "OMPI_COMM_WORLD_RANK": rank,
        "OMPI_COMM_WORLD_SIZE": size,
        "OMPI_COMM_WORLD_LOCAL_SIZE": size // 2,
        "PMIX_NAMESPACE": "prterun-host-123@1",
    }


def mpiexec(rank, size):
    return {"PMI_RANK": rank, "PMI_SIZE": size, "MPI_LOCALNRANKS": size}


LAUNCHERS = [torchrun, torchrun_on_one_machine, srun, mpirun, mpiexec]


class Job:
    """Processes of rank.py, and what they have acknowledged."""

    def __init__(self, lake, acks, launcher, size):
        self.lake, self.launcher, self.size = lake, launcher, size
        acks.write_bytes(bytes(8 * size))
        self.acks_path = acks
        with acks.open("r+b") as file:
            self._acks = mmap.mmap(file.fileno(), 0)
        self.ranks = {}

    def start(self, rank, events, *arguments, **variables):
        variables |= {key: str(value) for key, value in self.launcher(rank, self.size).items()}
        command = [sys.executable, RANK, self.lake, self.acks_path, rank, events, *arguments]
        self.ranks[rank] = subprocess.Popen(
            [str(part) for part in command], env=os.environ | variables
        )
        return self.ranks[rank]

    def acknowledged(self, rank):
        return struct.unpack_from("<q", self._acks, 8 * rank)[0]

    def wait(self):
        return [process.wait(TIMEOUT_SECS) for process in self.ranks.values()]


@pytest.fixture
def job(lake, tmp_path):
    """Starts jobs, and sees that no process of theirs is left."""
    with contextlib.ExitStack() as ends:

        def start(launcher, size):
            job = Job(lake, tmp_path / "acks", launcher, size)
            ends.callback(lambda: [rank.kill() or rank.wait() for rank in job.ranks.values()])
            return job

        yield start


def steps(lake, **options):
    """Steps by rank, in order."""
    table = pl.DataFrame(rl.open(lake).metrics("n", **options))
    return {rank: sorted(rows["step"].to_list()) for (rank,), rows in table.group_by("rank")}


@pytest.mark.parametrize("launcher", LAUNCHERS, ids=lambda launcher: launcher.__name__)
def test_all_ranks_write_to_one_run_in_one_attempt(lake, job, launcher):
    job = job(launcher, 4)
    for rank in range(4):
        job.start(rank, 1000)
    assert job.wait() == [0] * 4
    (row,) = rl.open(lake).runs().rows()
    assert (row["status"], row["attempt"], row["config.lr"]) == ("finished", 1, 0.1)
    assert steps(lake) == {rank: list(range(1000)) for rank in range(4)}
    table = pl.DataFrame(rl.open(lake).metrics("n"))
    assert table.select("rank", "writer").unique().height == 4
    assert table["attempt"].unique().to_list() == [1]


def test_a_rank_that_comes_after_another_has_finished_belongs_to_the_same_attempt(lake, job):
    job = job(torchrun, 4)
    for rank in range(3):
        job.start(rank, 100)
    assert job.wait() == [0] * 3
    assert job.start(3, 100).wait(TIMEOUT_SECS) == 0
    (row,) = rl.open(lake).runs().rows()
    assert (row["status"], row["attempt"]) == ("finished", 1)
    assert steps(lake) == {rank: list(range(100)) for rank in range(4)}


def test_a_job_that_is_started_again_is_the_next_attempt_of_all_its_ranks(lake, job):
    for restart in range(3):
        again = job(torchrun, 4)
        for rank in range(4):
            again.start(rank, 100, TORCHELASTIC_RESTART_COUNT=str(restart))
        assert again.wait() == [0] * 4
    (row,) = rl.open(lake).runs().rows()
    assert row["attempt"] == 3
    table = pl.DataFrame(rl.open(lake).metrics("n", attempts="all"))
    assert table.group_by("attempt").len().sort("attempt").rows() == [(1, 400), (2, 400), (3, 400)]


def test_the_second_run_of_a_job_is_one_run_of_all_ranks_too(lake, job):
    job = job(torchrun, 4)
    for rank in range(4):
        job.start(rank, 100, 2)
    assert job.wait() == [0] * 4
    runs = rl.open(lake).runs().rows()
    assert [row["status"] for row in runs] == ["finished"] * 2
    for row in runs:
        assert steps(lake, runs=row["id"]) == {rank: list(range(100)) for rank in range(4)}


def test_ranks_that_are_killed_lose_nothing_that_was_acknowledged(lake, job):
    events = 10_000
    job = job(torchrun, 16)
    killed = random.Random(16).sample(range(16), 6)
    for rank in range(16):
        job.start(rank, 1 << 30 if rank in killed else events)
    for rank in killed:
        least = random.Random(rank).randrange(events // 2)
        wait_until(lambda rank=rank, least=least: job.acknowledged(rank) > least, "some rows")
        job.ranks[rank].kill()
    codes = dict(zip(job.ranks, job.wait(), strict=True))
    found = steps(lake)
    for rank in range(16):
        assert found[rank] == list(range(len(found[rank])))
        assert len(found[rank]) >= job.acknowledged(rank)
        if rank not in killed:
            assert (codes[rank], len(found[rank])) == (0, events)
    (row,) = rl.open(lake).runs().rows()
    assert row["status"] == "killed"


def test_processes_that_only_share_an_id_write_to_one_run(lake, job):
    job = job(lambda rank, size: {"RUNLAKE_RUN_ID": "shared"}, 8)
    for rank in range(8):
        job.start(rank, 500)
    assert job.wait() == [0] * 8
    (row,) = rl.open(lake).runs().rows()
    assert (row["id"], row["status"]) == ("shared", "finished")
    table = pl.DataFrame(rl.open(lake).metrics("n", attempts="all"))
    assert table.height == 8 * 500
    assert table["writer"].n_unique() == 8
