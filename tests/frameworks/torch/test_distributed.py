"""Values and models that are split over processes: what one of them logs is true, and it never waits for the others."""

import json

import pytest
import recorded
from scripts import run as run_script

import runlake as rl

# Two processes of which the first logs, while the second goes on to where they meet. What PyTorch's older versions call
# otherwise is found under both names.
BEGIN = """
    import json, os, sys, warnings
    warnings.simplefilter("ignore")
    import torch
    import torch.distributed as dist
    import torch.distributed._functional_collectives as collectives
    import torch.multiprocessing as mp
    from torch.distributed.device_mesh import init_device_mesh
    try:
        from torch.distributed.tensor import DTensor, Partial, Replicate, Shard
    except ImportError:
        from torch.distributed._tensor import DTensor, Replicate, Shard
        from torch.distributed._tensor.placement_types import _Partial as Partial
    import runlake as rl

    def begin(rank, work, *arguments):
        variables = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
        os.environ.update({key: str(value) for key, value in variables.items()})
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=os.environ["PORT"])
        torch.manual_seed(0)
        dist.init_process_group("gloo")
        work(rank, init_device_mesh("cpu", (2,)), *arguments)
        dist.destroy_process_group()
"""
END = """
    if __name__ == "__main__":
        mp.start_processes(begin, (work, *sys.argv[1:]), nprocs=2, start_method="fork")
"""

VALUES = """
    def work(rank, mesh, lake):
        replicated = DTensor.from_local(torch.tensor(3.0), mesh, [Replicate()])
        rows = DTensor.from_local(torch.full((2,), rank + 1.0), mesh, [Shard(0)])
        values = {
            "replicated": replicated,
            "learnt": replicated.detach().requires_grad_(),
            "here": DTensor.from_local(torch.ones(1 - rank), mesh, [Shard(0)], shape=(1,), stride=(1,)),
            "there": DTensor.from_local(torch.ones(rank), mesh, [Shard(0)], shape=(1,), stride=(1,)),
            "part": DTensor.from_local(torch.tensor(rank + 1.0), mesh, [Partial()]),
            "sum": rows.sum(),
            "norm": torch.linalg.vector_norm(rows),
            "whole": rows.sum().full_tensor(),
            "alone": DTensor.from_local(
                torch.tensor(7.0), init_device_mesh("cpu", (2, 1)), [Replicate(), Partial()]
            ),
            "reduced": collectives.all_reduce(torch.tensor(rank + 1.0), "sum", dist.group.WORLD),
        }
        if rank == 0:
            with rl.init("p", lake=lake) as run, warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                for step, (name, value) in enumerate(values.items()):
                    run.log({name: value, "step": step}, step=step)
                try:
                    run.log({"rows": rows})
                except TypeError as error:
                    print(json.dumps([str(one.message) for one in told] + [str(error)]))
        dist.barrier()
"""

WATCHED = """
    import contextlib
    import torch.distributed.fsdp as fsdp
    from runlake.torch import watch

    def split(model, mesh, how):
        if how == "fully_shard":
            fsdp.fully_shard(model, mesh=mesh)
            return model
        are_original = how == "original parameters"
        return fsdp.FullyShardedDataParallel(model, device_id=torch.device("cpu"), use_orig_params=are_original)

    def train(rank, mesh, lake, how):
        model = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 1))
        model = split(model, mesh, how)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        norms = []
        with contextlib.ExitStack() as ends:
            if rank == 0:
                run = ends.enter_context(rl.init("p", how, lake=lake))
                ends.enter_context(watch(model, run, every=1))
            for step in range(2):
                optimizer.zero_grad()
                loss = model(torch.rand(2, 4)).square().mean()
                loss.backward()
                here = [getattr(p.grad, "_local_tensor", p.grad) for p in model.parameters() if p.grad is not None]
                norms.append(torch.cat([part.flatten() for part in here]).norm().item())
                optimizer.step()
                if rank == 0:
                    run.log({"train/loss": loss}, step=step)
        dist.barrier()
        return norms

    def work(rank, mesh, lake):
        kinds = ["original parameters", "flat parameters"]
        if hasattr(fsdp, "fully_shard"):  # before PyTorch 2.6 it took a CUDA device
            kinds.append("fully_shard")
        norms = {how: train(rank, mesh, lake, how) for how in kinds}
        if rank == 0:
            print(json.dumps(norms))
"""


@pytest.fixture
def in_two_processes(tmp_path, lake, free_port):
    """Run a script in two processes and return what it prints."""

    def run(text):
        variables = {"PORT": str(free_port), "OMP_NUM_THREADS": "1"}
        out, _ = run_script(tmp_path, BEGIN + text + END, lake, timeout_secs=150, **variables)
        return json.loads(out)

    return run


@pytest.mark.timeout(180)
def test_what_one_process_has_not_as_a_whole_is_a_warning(in_two_processes, lake, points):
    *told, error = in_two_processes(VALUES)
    found = {row["metric"]: row["value"] for row in rl.open(lake).metrics().rows()}
    del found["step"]
    whole = {"replicated": 3.0, "learnt": 3.0, "here": 1.0, "whole": 6.0, "alone": 7.0}
    assert found == whole | {"reduced": 3.0}
    assert len(points("step")) == 10
    # "sum" is unread for the same cause as "part", which is told once.
    assert [text.partition(" is not recorded: ")[0] for text in told] == [
        f"{name} of step {step}" for name, step in (("there", 3), ("part", 4), ("norm", 6))
    ]
    assert all("log full_tensor() of it, which all of them call" in text for text in told)
    assert error.startswith('metric "rows": cannot log torch')


@pytest.mark.timeout(180)
def test_of_a_model_that_is_split_the_part_that_is_here_is_watched(in_two_processes, lake):
    for how, norms in in_two_processes(WATCHED).items():
        expected = [(step, pytest.approx(norm)) for step, norm in enumerate(norms)]
        assert recorded.curve(lake, "gradients/norm", how) == expected, how
        assert [step for step, _ in recorded.curve(lake, "parameters/norm", how)] == [0, 1]
        assert [step for step, _ in recorded.curve(lake, "train/loss", how)] == [0, 1]
