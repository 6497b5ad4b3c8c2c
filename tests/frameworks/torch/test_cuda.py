"""Tensors on a CUDA device are logged without waiting for it, with the values that they have at the call."""

import os
import subprocess
import sys
import threading
import time

import pytest
import torch

import runlake as rl

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype"),
]


@pytest.fixture
def run(tmp_path):
    with rl.init("p", "n", lake=tmp_path / "lake", quiet=True) as run:
        yield run


def values(run, metric):
    run.flush()
    table = rl.open(run.lake).metrics(metric)
    return [row["value"] for row in table.rows()]


def busy():
    """Give the device some 100 ms of work."""
    big = torch.ones(8192, 8192, device="cuda")
    for _ in range(10):
        big = big @ big / 8192
    return big


def test_values_are_those_of_the_call_though_the_device_is_far_behind(run):
    tensor = torch.zeros((), device="cuda")
    busy()
    for step in range(100):
        tensor.fill_(step)
        run.log({"loss": tensor}, step=step)
        tensor.fill_(-1)
    assert run.logged_rows < 100
    assert values(run, "loss") == list(range(100))


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (torch.float64, 0.1),
        (torch.float32, 0.5),
        (torch.float16, -1.5),
        (torch.bfloat16, 3.0),
        (torch.int64, 2**53),
        (torch.int32, -7),
        (torch.int16, -300),
        (torch.int8, -100),
        (torch.uint8, 200),
        (torch.bool, 1),
        (torch.float32, float("inf")),
    ],
)
def test_every_type_is_read_as_it_is(run, kind, number):
    run.log({"loss": torch.tensor(number, dtype=kind, device="cuda")})
    assert values(run, "loss") == [number]


def test_integers_past_2_to_the_53_keep_their_digits(run):
    run.log({"count": torch.tensor(2**60 + 1, device="cuda")})
    run.flush()
    (row,) = rl.open(run.lake).metrics("count").rows()
    assert row["text"] == str(2**60 + 1)


def test_more_tensors_than_one_kernel_takes_and_numbers_between_them(run):
    data = {f"m{i}": torch.tensor(float(i), device="cuda") for i in range(40)}
    run.log({**data, "lr": 0.1})
    assert [values(run, f"m{i}") for i in range(40)] == [[float(i)] for i in range(40)]
    assert values(run, "lr") == [0.1]


def test_tensors_that_need_a_second_look(run):
    weight = torch.nn.Parameter(torch.tensor([[2.0]], device="cuda"))
    column = torch.arange(6.0, device="cuda").reshape(2, 3)[:, 1]
    negated = torch.tensor([1.0 + 2.0j], device="cuda").conj().imag
    run.log({"a": weight, "b": (weight * 2).sum(), "c": column[1], "d": negated})
    assert [values(run, name) for name in "abcd"] == [[2.0], [4.0], [4.0], [-2.0]]


def test_streams_of_ones_own(run):
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        big = busy()
        run.log({"side": big[0, 0]})
    run.log({"main": torch.tensor(1.0, device="cuda")})
    assert values(run, "main") == [1.0]
    assert values(run, "side") == [1.0]


def test_while_a_graph_is_captured_log_refuses_and_the_capture_goes_on(run):
    tensor = torch.zeros((), device="cuda")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        tensor += 1
        with pytest.raises(TypeError, match="loss") as raised:
            run.log({"loss": tensor})
    assert "a CUDA graph is being captured" in str(raised.value.__cause__)
    graph.replay()
    run.log({"loss": tensor})
    assert values(run, "loss") == [1.0]


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # PyTorch has threads
def test_a_forked_child_logs_and_ends_while_its_parents_values_wait(run):
    big = busy()
    run.log({"loss": big[0, 0]})
    child = os.fork()
    if child == 0:
        run.log({"child": 2.0})
        run.finish()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert values(run, "loss") == [1.0]
    assert values(run, "child") == [2.0]


def test_no_call_of_a_loop_waits_for_the_device(run):
    model = torch.nn.Linear(64, 1).cuda()
    batch = torch.randn(32, 64, device="cuda")

    def step():
        loss = model(batch).pow(2).mean()
        loss.backward()
        run.log({"loss": loss})

    step()
    torch.cuda.synchronize()
    with torch.cuda.device(0):
        torch.cuda.set_sync_debug_mode("error")  # what waits raises
        try:
            for _ in range(50):
                step()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    assert len(values(run, "loss")) == 51


def test_more_calls_than_may_wait_lose_nothing(run):
    tensor = torch.zeros((), device="cuda")
    busy()
    for step in range(6000):
        tensor += 1
        run.log({"loss": tensor}, step=step)
    assert values(run, "loss") == list(range(1, 6001))


def test_threads_that_log_to_one_run(run):
    def log(thread):
        tensor = torch.zeros((), device="cuda")
        for step in range(500):
            tensor.fill_(step)
            run.log({f"loss {thread}": tensor}, step=step)

    threads = [threading.Thread(target=log, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for thread in range(4):
        assert values(run, f"loss {thread}") == list(range(500))


def test_a_device_that_fails_is_told_and_ends_nothing(tmp_path):
    script = """
import sys, torch
import runlake as rl
run = rl.init("p", "n", lake=sys.argv[1], quiet=True)
run.log({"before": torch.tensor(1.0, device="cuda")}, step=0)
run.flush()
place = torch.tensor([5], device="cuda")
run.log({"loss": torch.zeros(1, device="cuda")[place][0]}, step=1)
run.finish()
"""
    began = time.monotonic()
    command = [sys.executable, "-c", script, tmp_path / "lake"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "loss of step 1 is not recorded: cannot go on with the CUDA device" in done.stderr
    assert time.monotonic() - began < 50
    (row,) = rl.open(tmp_path / "lake").metrics(["before"]).rows()
    assert row["value"] == 1.0
