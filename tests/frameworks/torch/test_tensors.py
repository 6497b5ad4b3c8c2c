"""`log` takes tensors of any kind that has a value, as it is, and says of others that they have none."""

import pytest
import torch

import runlake as rl


class Named(torch.Tensor):
    """A subclass, as libraries have them."""


@pytest.fixture
def run(lake):
    with rl.init("p", lake=lake, quiet=True) as run:
        yield run


@pytest.mark.parametrize(
    ("tensor", "value"),
    [
        (torch.tensor(0.5, requires_grad=True), 0.5),
        (torch.tensor([[0.5]]).square(), 0.25),
        (torch.nn.Parameter(torch.tensor(0.5)), 0.5),
        (torch.tensor(0.5).as_subclass(Named), 0.5),
        (torch.tensor([2.0], dtype=torch.bfloat16), 2.0),
        (torch.tensor(True), 1.0),
        (torch.tensor(2**40), 2.0**40),
        (torch.tensor([[0.0, 3.0]]).to_sparse().sum(), 3.0),
        (torch.tensor(1j).imag.neg().conj().neg(), 1.0),
    ],
    ids=str,
)
def test_a_tensor_of_one_element_is_its_value(run, points, tensor, value):
    run.log({"x": tensor}, step=0)
    run.finish()
    assert points("x") == [(0, value)]


# That quantized tensors are deprecated.
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_a_quantized_tensor_is_the_number_it_stands_for(run, points):
    run.log({"x": torch.quantize_per_tensor(torch.tensor(0.5), 0.25, 0, torch.qint8)}, step=0)
    run.finish()
    assert points("x") == [(0, 0.5)]


@pytest.mark.parametrize(
    "tensor",
    [torch.empty((), device="meta"), torch.zeros(2), torch.tensor(1j), torch.zeros(0)],
    ids=str,
)
def test_a_tensor_without_one_number_is_an_error_that_names_the_metric(run, tensor):
    with pytest.raises(TypeError, match=r'metric "x": cannot log'):
        run.log({"x": tensor}, step=0)
