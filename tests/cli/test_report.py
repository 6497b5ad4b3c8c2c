"""`report`: each template from the command line to a file, and mistakes."""

import pytest

import runlake as rl


@pytest.fixture
def runs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for opt in ("a", "b"):
        for seed in range(2):
            config = {"opt": opt, "seed": seed}
            with rl.init(
                "p", f"{opt}{seed}", config, id=f"run-{opt}{seed}", lake="runlake", quiet=True
            ) as run:
                for step in range(5):
                    run.log(
                        {"loss": 1 / (step + 1) + seed / 100 + 1.1**seed * (opt == "b")}, step=step
                    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "<h1>Exploration of p</h1>"),
        (
            ["--project", "p", "-m", "loss", "--by", "config.opt", "--title", "Mine"],
            "<h1>Mine</h1>",
        ),
        (
            ["-t", "ab-test", "--a", "config.opt = 'a'", "--b", "config.opt = 'b'"],
            "A is better than B",
        ),
        (["-t", "ablation", "--baseline", "a0", "--direction", "max"], "opt=b"),
        (["a0", "--template", "model-card", "--text", "card.md"], "<em>Nothing</em> at all"),
        (["-t", "weekly", "--until", "2100-01-01"], "None was begun in these seven days"),
        (["-w", "config.opt = 'zz'"], "No runs"),
    ],
)
def test_a_report_is_written_and_named(runlake, runs, tmp_path, arguments, told):
    (tmp_path / "card.md").write_text("## Ethical considerations\n*Nothing* at all\n")
    done = runlake("report", *arguments, "--output", "x.html")
    assert (done.code, done.out, done.err) == (0, "x.html\n", "")
    assert told in (tmp_path / "x.html").read_text(encoding="utf-8")


def test_markdown_and_json(runlake, runs, tmp_path):
    done = runlake("report", "--output", "x.md", "--json")
    assert done.json == {"output": "x.md"}
    text = (tmp_path / "x.md").read_text(encoding="utf-8")
    assert text.startswith("# Exploration of p\n")
    assert "](x_files/picture-1.svg)" in text
    assert (tmp_path / "x_files/picture-1.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["-o", "x.pdf"], 1, "expected .html or .md"),
        (["nobody", "-o", "x.html"], 1, 'no run "nobody"'),
        (["-m", "los", "-o", "x.html"], 1, "did you mean loss"),
        (["-t", "weekly", "--until", "soon", "-o", "x.html"], 1, "until: expected a date"),
        (["-t", "model-card", "-o", "x.html"], 1, "a model card is of one run"),
        (["--text", "none.md", "-o", "x.html"], 1, "none.md"),
        (["--text", "binary.md", "-o", "x.html"], 1, "no text in UTF-8"),
        (["--baseline", "a0", "-o", "x.html"], 1, "only the template ablation takes it"),
        (["-t", "nothing", "-o", "x.html"], 2, "possible values"),
        (["--a", "config.opt = 'a'", "-o", "x.html"], 2, "--b <FILTER>"),
        (["-w", "config.opt ==", "-o", "x.html"], 2, "invalid filter"),
        ([], 2, "--output <FILE>"),
    ],
)
@pytest.mark.usefixtures("runs")
def test_mistakes_are_told_in_a_line_without_a_trace(runlake, tmp_path, arguments, code, told):
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe\x00")
    done = runlake("report", *arguments)
    assert done.code == code
    assert told in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "x.html").exists()
