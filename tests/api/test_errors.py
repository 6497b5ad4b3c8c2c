"""Every class of error can be caught as what it is, by its base and by the builtin, and has a page."""

import re
from pathlib import Path

import pytest

import runlake as rl
from runlake import errors

ROOT = Path(__file__).parents[2]


def finished_run(lake):
    run = rl.init("p", lake=lake, id="x", quiet=True)
    run.finish()
    return run


def damage(lake):
    finished_run(lake)
    Path(lake, "runlake.json").write_text("{")
    rl.open(lake)


def unreadable(lake):
    Path(lake).mkdir()
    Path(lake, "runlake.json").mkdir()
    rl.open(lake)


def unwritable(lake):
    Path(lake).write_text("no folder")
    rl.init("p", lake=Path(lake, "below"), strict=True)


CAUSES = {
    "AlreadyExists": (lambda lake: (finished_run(lake), finished_run(lake)), FileExistsError),
    "DamagedError": (damage, ValueError),
    "FinishedError": (lambda lake: finished_run(lake).log({"a": 1}), RuntimeError),
    "InvalidArgument": (lambda lake: rl.init(lake=lake, resume="perhaps"), ValueError),
    "InvalidName": (lambda lake: rl.init("\0", lake=lake), ValueError),
    "LakeError": (unreadable, OSError),
    "LoggingError": (unwritable, RuntimeError),
    "NoActiveRun": (lambda _: rl.log({"a": 1}), RuntimeError),
    "NotFound": (rl.open, FileNotFoundError),
    "QueryError": (lambda lake: rl.open(lake, create=True).runs("config.lr <"), ValueError),
}


@pytest.mark.parametrize("name", CAUSES)
def test_an_error_is_its_class_the_base_and_the_builtin(lake, name):
    cause, builtin = CAUSES[name]
    with pytest.raises(getattr(rl, name)) as caught:
        cause(lake)
    assert isinstance(caught.value, rl.Error)
    assert isinstance(caught.value, builtin)
    text = str(caught.value)
    assert text[0].islower()
    assert not text.endswith(".")


def test_every_class_is_raised_above_and_exported():
    assert set(errors.__all__) == {*CAUSES, "Error", "RunlakeWarning"}
    assert set(errors.__all__) <= set(rl.__all__)


def test_the_engine_names_only_classes_that_exist():
    source = (ROOT / "src/python/error.rs").read_text(encoding="utf-8")
    named = set(re.findall(r'=> "(\w+)"', source))
    assert len(named) > 5
    assert named <= set(errors.__all__)


def test_a_system_error_is_kept_as_the_cause(lake):
    with pytest.raises(rl.LakeError) as caught:
        unreadable(lake)
    assert isinstance(caught.value.__cause__, IsADirectoryError)


def test_every_class_is_on_the_page():
    page = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    assert [name for name in errors.__all__ if f"`runlake.{name}`" not in page] == []
