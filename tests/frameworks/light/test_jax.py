"""Arrays of JAX are logged as they are, and nothing waits for them."""

import socket
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import pytest
import recorded

import runlake as rl

# A sum over the devices of two processes, which both of them have.
OF_TWO = """
import sys
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
import runlake as rl

address, rank, lake = sys.argv[1], int(sys.argv[2]), sys.argv[3]
jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.distributed.initialize(address, 2, rank)
mesh = Mesh(np.array(jax.devices()), ("processes",))
here = np.full(2 // jax.process_count(), rank + 1.0)
x = jax.make_array_from_process_local_data(NamedSharding(mesh, PartitionSpec("processes")), here)
total = jax.jit(lambda x, step: x.sum() + step, out_shardings=NamedSharding(mesh, PartitionSpec()))
with rl.init("p", id="shared", lake=lake, quiet=True) as run:
    for step in range(3):
        run.log({f"loss/{rank}": total(x, step)}, step)
"""


@jax.jit
def slow(x):
    """Compute for a while: a chain of products that none can be left out of."""
    return jax.lax.fori_loop(0, 60, lambda _, y: jnp.tanh(y @ x), x).mean()


@pytest.fixture(scope="module")
def matrix():
    """What `slow` takes at least half a second for."""
    size = 256
    while True:
        x = jnp.full((size, size), 1e-3)
        slow(x).block_until_ready()
        began = time.perf_counter()
        slow(x).block_until_ready()
        if time.perf_counter() - began > 0.5:
            return x
        size *= 2


def test_log_does_not_wait_for_an_array(lake, matrix):
    shares = []
    with rl.init(project="p", lake=lake) as run:
        for step in range(4):  # others use the processors, too
            began = time.perf_counter()
            loss = slow(matrix)
            called = time.perf_counter()
            run.log({"loss": loss}, step=step)
            logged = time.perf_counter()
            assert not loss.is_ready()
            loss.block_until_ready()
            shares.append((logged - called) / (time.perf_counter() - began))
    assert min(shares) < 1 / 20
    assert recorded.curve(lake, "loss") == [(step, float(loss)) for step in range(4)]


def test_values_of_a_metric_are_recorded_in_the_order_of_the_calls(lake, matrix):
    with rl.init(project="p", lake=lake) as run:
        run.log({"loss": slow(matrix), "epoch": 0}, step=0)
        run.log({"loss": 2.0, "epoch": 0}, step=1)
        run.log({"nested": {"loss": jnp.float32(3.0)}}, step=2)
    rows = rl.open(lake).metrics(["loss"]).rows()
    assert [row["step"] for row in sorted(rows, key=lambda row: row["seq"])] == [0, 1]
    assert recorded.curve(lake, "nested/loss") == [(2, 3.0)]


def test_what_is_no_number_yet_is_told(lake):
    with rl.init(project="p", lake=lake) as run:

        @jax.jit
        def step(x):
            run.log({"loss": x})
            return x

        with pytest.raises(TypeError, match="loss"):
            step(1.0)


def test_a_callback_of_jax_hands_values_out_of_a_compiled_function(lake):
    with rl.init(project="p", lake=lake) as run:

        @jax.jit
        def train(steps):
            def step(turn, loss):
                jax.debug.callback(
                    lambda turn, loss: run.log({"loss": loss}, int(turn)), turn, loss
                )
                return loss / 2

            return jax.lax.fori_loop(0, steps, step, 1.0)

        train(3).block_until_ready()
        jax.effects_barrier()
    assert recorded.curve(lake, "loss") == [(0, 1.0), (1, 0.5), (2, 0.25)]


def test_a_value_that_processes_share_is_logged_by_each(lake):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    started = [
        subprocess.Popen([sys.executable, "-c", OF_TWO, address, str(rank), str(lake)])
        for rank in range(2)
    ]
    try:
        assert [process.wait(60) for process in started] == [0, 0]
    finally:
        for process in started:
            process.kill()
    for rank in range(2):
        assert recorded.curve(lake, f"loss/{rank}") == [(0, 3.0), (1, 4.0), (2, 5.0)]
