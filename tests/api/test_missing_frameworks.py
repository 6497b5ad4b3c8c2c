"""A framework that is not installed is told of where its module of Runlake is named, with what to install."""

import re
import sys

import pytest

import runlake

# What pip calls a framework, where it is not the name of its module.
PACKAGES = {
    "airflow": "apache-airflow",
    "ignite": "pytorch-ignite",
    "hydra": "hydra-core",
    "notebook": "ipython",
    "ray": "ray[tune]",
    "sklearn": "scikit-learn",
}
IMPORTED = {"notebook": "IPython"}
NEED_NONE = {"github", "logging", "pytest"}  # the last is imported by pytest alone


@pytest.mark.parametrize("name", sorted(set(runlake._FRAMEWORKS) - NEED_NONE))
def test_a_framework_that_is_missing_is_told_of(monkeypatch, name):
    module, package = f"runlake.{name}", PACKAGES.get(name, name)
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.delitem(vars(runlake), name, raising=False)
    framework = IMPORTED.get(name, name)
    imported = [loaded for loaded in sys.modules if loaded.startswith(f"{framework}.")]
    for missing in (framework, *imported):
        monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ModuleNotFoundError, match=re.escape(f"this needs {package} (")) as caught:
        getattr(runlake, name)
    assert str(caught.value).endswith(f"pip install {package}")
    assert module not in sys.modules
