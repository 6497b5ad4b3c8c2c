"""`rm` and `trash`: what goes, what comes back, and how many bytes that is."""

import runlake as rl


def ids():
    return rl.open("runlake").runs().to_polars()["id"].to_list()


def test_a_dry_run_says_the_bytes_and_changes_nothing(runlake, plain, runs):
    done = runlake("rm", "good", "bad", "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert plain(done.out) == (
        "would remove  run-1  digits/good  SIZE\n"
        "would remove  run-2  words/bad  SIZE\n"
        "2 runs would go to the trash: SIZE\n"
    )
    assert runlake("rm", "good", "--dry-run", "--json").json["dry_run"] is True
    assert ids() == ["run-1", "run-2"]


def test_a_removed_run_is_in_the_trash_and_comes_back(runlake, plain, runs):
    size = runlake("du", "good", "--json").json["total"]["total"]
    removed = runlake("rm", "good", "--json")
    assert (removed.code, removed.json["bytes"], removed.json["in_trash"]) == (0, size, True)
    assert ids() == ["run-2"]
    listed = runlake("trash")
    assert plain(listed.out) == (
        "REMOVED  ID  PROJECT  NAME  SIZE\nAGE  run-1  digits  good  SIZE\n1 run in the trash: SIZE\n"
    )
    assert plain(runlake("trash", "restore").out) == "restored  run-1  digits/good  SIZE\n"
    assert ids() == ["run-1", "run-2"]
    assert (runlake("trash").out, runlake("verify").code) == ("", 0)


def test_removing_twice_is_no_failure(runlake, runs):
    assert runlake("rm", "good").code == 0
    again = runlake("rm", "good", "nobody")
    assert (again.code, again.out) == (0, "")
    told = again.err.splitlines()
    assert told[0] == 'warning: run "good" is in the trash already'
    assert told[1].startswith('warning: nothing to remove: no run "nobody" in ')
    assert ids() == ["run-2"]


def test_the_trash_is_emptied_for_good(runlake, plain, runs):
    runlake("rm", "good")
    assert plain(runlake("trash", "empty", "--dry-run").out) == (
        "1 run would be deleted: SIZE would be freed\n"
    )
    assert plain(runlake("trash", "empty").out) == "1 run deleted: SIZE freed\n"
    assert runlake("trash", "empty").out == "0 runs deleted: 0 B freed\n"
    assert runlake("trash", "restore", "good").code == 1
    nothing = runlake("trash", "restore")
    assert (nothing.code, nothing.out) == (0, "")


def test_runs_can_be_deleted_past_the_trash(runlake, plain, runs):
    done = runlake("rm", "good", "--no-trash")
    assert plain(done.out).endswith("1 run deleted: SIZE freed\n")
    assert runlake("trash", "--json").json == {"runs": [], "bytes": 0}


def test_a_run_comes_back_by_name_only_where_its_place_is_free(runlake, runs):
    runlake("rm", "good", "bad")
    with rl.init("words", id="run-2", lake="runlake", quiet=True):
        pass
    done = runlake("trash", "restore", "bad")
    assert done.code == 1
    assert done.err.startswith('error: run "run-2" already exists; move that one out of the way')
    assert runlake("trash", "restore", "good").code == 0
    assert ids() == ["run-1", "run-2"]


def test_a_running_run_is_only_removed_by_force(runlake, live):
    live.log(10)
    refused = runlake("rm", "live")
    assert (refused.code, refused.out) == (1, "")
    assert "is running; nothing was removed" in refused.err
    assert "--force" in refused.err
    assert runlake("rm", "live", "--force").code == 0
    live.finish()
