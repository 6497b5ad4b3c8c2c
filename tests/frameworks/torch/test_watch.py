"""`watch` logs what gradients and parameters were right before a step, and leaves the training as it is."""

import gc
import weakref

import pytest
import torch
from broken import BrokenRun
from lightning.pytorch.demos.boring_classes import BoringModel

import runlake as rl
from runlake.torch import watch, watching


@pytest.fixture
def run(lake):
    with rl.init("p", lake=lake, quiet=True) as run:
        yield run


def made():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


def train(model, optimizer, steps, batches=1):
    for _ in range(steps):
        optimizer.zero_grad()
        for _ in range(batches):
            model(torch.rand(8, 3)).square().mean().backward()
        optimizer.step()


def stored(lake, step):
    rows = rl.open(lake).metrics().rows()
    return {row["metric"]: row["value"] for row in rows if row["step"] == step}


def test_each_parameter_has_norm_extremes_and_quartiles(run, lake):
    model, optimizer = made()
    seen = {}

    def remember(*_):
        for name, parameter in model.named_parameters():
            seen[f"gradients/{name}"] = parameter.grad.clone()
            seen[f"parameters/{name}"] = parameter.detach().clone()

    optimizer.register_step_pre_hook(remember)
    with watch(model, run, every=1):
        train(model, optimizer, 1, batches=3)
    run.finish()
    found = stored(lake, 0)
    assert {name.rsplit("/", 1)[0] for name in found} == {*seen, "gradients", "parameters"}
    for name, tensor in seen.items():
        ordered = tensor.flatten().sort().values
        last = len(ordered) - 1
        assert [found[f"{name}/{of}"] for of in ("min", "q25", "median", "q75", "max")] == [
            ordered[last * quarters // 4].item() for quarters in range(5)
        ]
        assert found[f"{name}/norm"] == pytest.approx(tensor.norm().item())
    for kind in ("gradients", "parameters"):
        squares = [t.square().sum() for name, t in seen.items() if name.startswith(kind)]
        assert found[f"{kind}/norm"] == pytest.approx(sum(squares).sqrt().item())


def test_only_every_nth_step_of_its_optimizer_is_logged(run, points):
    model, optimizer = made()
    other, its_optimizer = made()
    with watch(model, run, every=3, first_step=30):
        for _ in range(7):
            train(model, optimizer, 1)
            train(other, its_optimizer, 1)
    run.finish()
    assert [step for step, _ in points("gradients/norm")] == [30, 33, 36]


def test_two_optimizers_of_one_model_log_their_own_parameters_at_their_own_steps(run, lake):
    model, _ = made()
    first = torch.optim.SGD(model[0].parameters(), lr=0.1)
    second = torch.optim.Adam(model[2].parameters(), lr=0.1)
    with watch(model, run, every=2):
        for _ in range(4):
            model(torch.rand(8, 3)).sum().backward()
            first.step()
            second.step()
    run.finish()
    rows = rl.open(lake).metrics(["gradients/0.bias/norm", "gradients/2.bias/norm"]).rows()
    assert sorted((row["metric"], row["step"]) for row in rows) == [
        (f"gradients/{layer}.bias/norm", step) for layer in (0, 2) for step in (0, 2)
    ]


def test_gradients_are_those_that_are_applied(run, points):
    model, optimizer = made()
    with watch(model, run, every=1):
        (1e6 * model(torch.rand(8, 3)).sum()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    run.finish()
    assert points("gradients/norm") == [(0, pytest.approx(1.0, abs=1e-3))]


def test_nothing_more_is_logged_once_it_is_removed(run, points):
    model, optimizer = made()
    watched = watch(model, run, every=1)
    train(model, optimizer, 2)
    watched.remove()
    watched.remove()
    train(model, optimizer, 2)
    run.finish()
    assert [step for step, _ in points("gradients/norm")] == [0, 1]


def test_a_run_that_is_finished_is_let_go(run, recwarn):
    model, optimizer = made()
    watched = watch(model, run, every=1)
    run.finish()
    train(model, optimizer, 2)
    assert watched._held is None
    assert [str(warning.message) for warning in recwarn] == []


def test_the_model_is_not_kept_alive(run):
    model, optimizer = made()
    gone = weakref.ref(model)
    watched = watch(model, run, every=1)
    train(model, optimizer, 1)
    del model
    gc.collect()
    assert gone() is None
    optimizer.step()
    assert watched._held is None


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions_are_logged(run, points, dtype):
    model, _ = made()
    model.to(dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, run, every=1):
        model(torch.rand(8, 3, dtype=dtype)).sum().backward()
        optimizer.step()
    run.finish()
    assert points("gradients/2.bias/norm") == [(0, 8.0)]


def test_a_sparse_gradient_counts_as_its_values(run, points):
    model = torch.nn.Embedding(1000, 2, sparse=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, run, every=1):
        model(torch.tensor([1, 1, 7])).sum().backward()
        optimizer.step()
    run.finish()
    assert points("gradients/weight/max") == [(0, 2.0)]
    assert points("gradients/weight/min") == [(0, 1.0)]


def test_what_is_not_a_number_is_seen(run, lake):
    model, optimizer = made()
    with watch(model, run, every=1):
        (model(torch.rand(8, 3)).sum() * float("nan")).backward()
        optimizer.step()
    run.finish()
    assert stored(lake, 0)["gradients/norm"] != stored(lake, 0)["gradients/norm"]


def test_large_tensors_have_the_quartiles_of_a_sample_and_exact_extremes(run, points):
    model = torch.nn.Linear(100_000, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with torch.no_grad():
        model.weight.copy_(torch.linspace(0, 1, 100_000)[None, torch.randperm(100_000)])
    with watch(model, run, every=1):
        model(torch.ones(1, 100_000)).sum().backward()
        optimizer.step()
    run.finish()
    assert points("parameters/weight/max") == [(0, 1.0)]
    assert points("parameters/weight/median") == [(0, pytest.approx(0.5, abs=0.1))]


def test_training_is_the_same_with_and_without(run):
    ends = []
    for watched in (True, False):
        model, optimizer = made()
        if watched:
            watch(model, run, every=1)
        train(model, optimizer, 5)
        ends.append([parameter.detach().clone() for parameter in model.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*ends, strict=True))


def test_a_run_that_fails_everywhere_ends_no_training():
    model, optimizer = made()
    watch(model, BrokenRun(), every=1)
    with pytest.warns(rl.RunlakeWarning, match="everything fails"):
        train(model, optimizer, 1)


def test_what_is_computed_needs_no_value():
    """A tensor on "meta" has none: what would wait for a device's raises there."""
    parameters = [("weight", torch.empty(100, 100, device="meta", dtype=torch.bfloat16))]
    values = watching._describe("parameters", parameters)
    assert len(values) == 7
    assert {value.device.type for value in values.values()} == {"meta"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
def test_a_step_on_a_device_waits_for_nothing(run, points):
    model, _ = made()
    model.cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    inputs = torch.rand(8, 3, device="cuda")
    with watch(model, run, every=1):
        for _ in range(20):
            model(inputs).sum().backward()
            torch.cuda.set_sync_debug_mode("error")
            optimizer.step()
            torch.cuda.set_sync_debug_mode("default")
    run.finish()
    assert [step for step, _ in points("gradients/2.bias/norm")] == list(range(20))


def test_frozen_parameters_have_no_gradients(run, lake):
    model = BoringModel()
    model.layer.bias.requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, run, every=1):
        model(torch.rand(1, 32)).sum().backward()
        optimizer.step()
    run.finish()
    found = stored(lake, 0)
    assert "parameters/layer.bias/norm" in found
    assert "gradients/layer.bias/norm" not in found


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("model",), TypeError, "model: expected a torch.nn.Module, got str"),
        ((torch.nn.Linear(1, 1), "run"), TypeError, "run: expected a runlake.Run, got str"),
        ((torch.nn.Linear(1, 1), None, 0), ValueError, "every: expected 1 or more, got 0"),
        ((torch.nn.Linear(1, 1), None, 1.5), TypeError, "every: expected int, got float: 1.5"),
    ],
)
def test_wrong_arguments_are_told_at_once(arguments, error, text):
    with pytest.raises(error, match=text):
        watch(*arguments)
