"""Files by reference: where they are, how large, and which bytes, as attributes of a run."""

import hashlib

import pytest
import recorded

import runlake as rl
from runlake import files


@pytest.fixture
def run(lake):
    with rl.init("p", lake=lake, quiet=True) as run:
        yield run


def known(run, name):
    """What is recorded of a file once the run is finished."""
    run.finish()
    found = recorded.under(f"file/{name}/", recorded.attributes(run.lake))
    return {key: value for key, value in found.items() if value is not None}


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_file_has_path_size_digest_step_and_score(run, tmp_path):
    (tmp_path / "model.pt").write_text("bytes")
    files.record(run, "model.pt", kind="model", step=3, score=0.5)
    assert known(run, "model.pt") == {
        "path": str(tmp_path / "model.pt"),
        "kind": "model",
        "bytes": 5,
        "sha256": sha256("bytes"),
        "step": 3,
        "score": 0.5,
    }


def test_a_folder_counts_as_its_files(run, tmp_path):
    (tmp_path / "c" / "sub").mkdir(parents=True)
    (tmp_path / "c" / "b").write_text("1")
    (tmp_path / "c" / "sub" / "a").write_text("22")
    files.record(run, tmp_path / "c", kind="checkpoint")
    found = known(run, "c")
    assert found["bytes"] == 3
    assert found["sha256"] == sha256(f"{sha256('1')}  b\n{sha256('22')}  sub/a\n")


def test_what_a_file_of_the_same_name_had_is_gone(run, tmp_path):
    (tmp_path / "a").write_text("old")
    files.record(run, "a", kind="checkpoint", step=1, score=1.0)
    (tmp_path / "a").write_text("newer")
    files.record(run, "a", kind="checkpoint")
    assert known(run, "a") == {
        "path": str(tmp_path / "a"),
        "kind": "checkpoint",
        "bytes": 5,
        "sha256": sha256("newer"),
    }


def test_files_of_one_name_in_several_folders_are_told_apart(run, tmp_path):
    places = [tmp_path / folder / "last.ckpt" for folder in ("a", "b", "c/b")]
    for place in [*places, *places]:  # the second time under the same name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(str(place))
        files.record(run, place, kind="checkpoint")
    run.finish()
    found = recorded.under("file/", recorded.attributes(run.lake))
    for name, place in zip(["last.ckpt", "b/last.ckpt", "c/b/last.ckpt"], places, strict=True):
        assert found[f"{name}/path"] == str(place)
        assert found[f"{name}/sha256"] == sha256(str(place))
    assert len([path for path in found if path.endswith("/path")]) == len(places)


def test_a_file_elsewhere_is_known_by_its_address(run):
    files.record(run, "s3://bucket/a.ckpt", kind="checkpoint", step=1)
    assert known(run, "a.ckpt") == {"path": "s3://bucket/a.ckpt", "kind": "checkpoint", "step": 1}


def test_a_file_that_is_not_there_is_an_error(run):
    with pytest.raises(FileNotFoundError, match="missing"):
        files.record(run, "missing", kind="model")
