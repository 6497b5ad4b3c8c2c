"""Arrays of JAX are logged as they are, and nothing waits for them."""

import time

import jax
import jax.numpy as jnp
import pytest
import recorded

import runlake as rl


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
