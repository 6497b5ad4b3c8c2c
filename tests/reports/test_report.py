"""`Report`: built by hand, block by block, and written."""

import datetime as dt
import itertools
import re
import sys
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import polars as pl
import pytest
from html_page import Page

import runlake as rl

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def small(empty, circle):
    """A report of one of each block."""
    moment = dt.datetime(2026, 11, 25, 9, 36, 12, tzinfo=dt.timezone.utc)
    rows = [
        {"run": "a|b", "loss": 0.123456789, "n": 3, "begun": moment, "tags": ["x", "y"]},
        {"run": "<c>", "loss": float("nan"), "n": None, "begun": None, "tags": []},
    ]
    report = empty.report("A *small* report").heading("What & why")
    report.text(
        "# We *tried*\n\n* one\n* [two](https://example.org)\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    )
    report.heading("Part", 3).table(rows, caption="Some runs").heading("What & why")
    report.plot(circle, "A circle", alt="a circle of radius 4").plot(circle)
    return report.notice("Look", "at 1 < 2")


def test_a_page_is_as_it_was(small):
    html = re.sub(r"<style>.*?</style>", "<style></style>", small.to_html(), flags=re.DOTALL)
    html = html.replace(rl.__version__, "VERSION")
    assert html == (GOLDEN / "small.html").read_text(encoding="utf-8")


def test_markdown_is_as_it_was(small, tmp_path):
    small.save(tmp_path / "small.md")
    assert (tmp_path / "small.md").read_bytes() == (GOLDEN / "small.md").read_bytes()
    pictures = sorted(path.name for path in (tmp_path / "small_files").iterdir())
    assert pictures == ["picture-1.svg", "picture-2.svg"]
    assert (tmp_path / "small_files/picture-1.svg").read_text().startswith("<svg")


def test_a_page_needs_no_other_file_and_runs_nothing(small):
    page = Page(small.to_html())
    (policy,) = [m["content"] for m in page.of("meta") if m.get("http-equiv")]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert page.tags.isdisjoint({"script", "link", "iframe", "object", "form", "base"})
    assert {image["src"].partition(",")[0] for image in page.of("img")} == {"data:image/svg+xml"}
    assert [a["href"] for a in page.of("a") if not a["href"].startswith("#")] == [
        "https://example.org"
    ]


def test_a_page_can_be_read_by_everyone(small):
    page = Page(small.to_html())
    assert page.of("html") == [{"lang": "en"}]
    assert len(page.of("main")) == len(page.of("h1")) == 1
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert all(level <= before + 1 for before, level in itertools.pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert ids == ["what-why", "part", "what-why-2"]
    assert all(image["alt"] for image in page.of("img"))
    scopes = {head.get("scope") for head in page.of("th")}
    assert {"col", "row"} <= scopes


def test_a_picture_is_in_the_page_byte_for_byte(small, circle):
    first, _ = Page(small.to_html()).of("img")
    assert unquote(first["src"].partition(",")[2]) == circle.to_svg()
    assert first["alt"] == "a circle of radius 4"


def test_tables_are_taken_as_people_have_them(sweep, empty):
    plain = [{"x": 1, "y": 0.5}, {"x": 2, "y": None}]
    arrays = [{"x": np.int64(1), "y": np.float32(0.5)}, {"x": np.int64(2), "y": None}]
    reports = [
        empty.report().table(data).to_markdown() for data in (plain, arrays, pl.DataFrame(plain))
    ]
    assert len(set(reports)) == 1
    assert "| 1 | 0.5 |" in reports[0]
    times = pd.DataFrame({"t": [pd.Timestamp("2026-11-25 10:00"), pd.NaT]})
    assert "| 2026-11-25 10:00 |\n| NaT |" in empty.report().table(times).to_markdown()
    runs = empty.report().table(sweep.runs("name like 'adam%'"), ["name", "status"]).to_markdown()
    assert "| adam-0 | finished |\n| adam-1 | finished |" in runs


def test_a_long_table_says_how_much_it_shows(empty, sweep):
    rows = [{"n": n} for n in range(300)]
    text = empty.report().table(rows, limit=2, caption="Numbers").to_markdown()
    assert "Numbers (the first 2 of 300 rows)\n\n| n |\n| --: |\n| 0 |\n| 1 |\n" in text
    assert "The first 3 of 7 rows" in empty.report().table(sweep.runs(), limit=3).to_markdown()


@pytest.mark.parametrize(
    ("add", "error", "told"),
    [
        (lambda report: report.table("text"), TypeError, "got str"),
        (lambda report: report.table([1]), TypeError, "mappings, got int"),
        (lambda report: report.table([{"loss": 1}], ["los"]), rl.NotFound, "did you mean loss"),
        (lambda report: report.plot("x.png"), TypeError, "to_svg"),
        (lambda report: report.heading("x", 3), rl.InvalidArgument, "one of 2 here, got 3"),
        (lambda report: report.save("x.pdf"), rl.InvalidArgument, "expected .html or .md"),
    ],
)
def test_what_cannot_be_added_or_written_is_told(empty, add, error, told):
    with pytest.raises(error, match=told):
        add(empty.report())


def test_curves_are_told_in_words(sweep):
    text = sweep.report().plot(sweep.plot("loss", runs=["adam-0", "sgd-0"])).to_markdown()
    assert re.search(r"\*loss: adam-0 from 1 to 0\.\d+; sgd-0 from 1 to 0\.\d+\.\*", text)


def test_a_comparison_is_two_tables(sweep):
    report = sweep.report().compare(sweep.compare(["adam-0", "sgd-0"]))
    text = report.to_markdown()
    assert "| opt | adam | sgd |" in text
    assert re.search(r"\| val/acc \| higher \| \*\*0\.\d+\*\* \| 0\.\d+ \(-\d+\.\d %\) \|", text)
    assert "| loss | lower? |" in text


def test_verdicts_are_told_with_their_figures(sweep):
    asked = {"direction": "max", "record": False}
    verdict = sweep.test(
        "summary.val.acc",
        "config.opt = 'adam'",
        "config.opt = 'sgd' and status = 'finished'",
        **asked,
    )
    text = sweep.report().verdict(verdict).to_markdown()
    assert f"> **Better**\n>\n> {verdict}".replace("_", r"\_")[:30] in text
    assert "| alpha | 0.05 |" in text
    several = sweep.tests("summary.val.acc", "config.opt", **asked)
    assert (
        "| config.opt=adam | config.opt=sgd | better |"
        in sweep.report().verdict(several).to_markdown()
    )


def test_a_notebook_shows_a_report_as_a_part_of_its_page(small):
    part = small._repr_html_()
    page = Page(part)
    assert page.tags.isdisjoint({"html", "body", "script"})
    assert page.of("main") == [{"class": "runlake-report"}]
    # Nothing outside of the report is styled.
    style = re.search(r"<style>(.*?)</style>", part, re.DOTALL)[1]
    tops = re.findall(r"^(?:@media [^{]*\{ )?([^\s@{}/][^{]*)\{", style, re.MULTILINE)
    assert tops
    assert all(".runlake-report" in top for top in tops)


def test_pictures_are_told_in_words_where_they_cannot_be_drawn(sweep, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    report = sweep.report("x").plot(sweep.plot("loss", runs="adam-0"), "The loss")
    report.save(tmp_path / "x.md")
    text = (tmp_path / "x.md").read_text()
    assert "The loss\n\n*loss: adam-0 from 1 to" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.md"]
    with pytest.raises(ModuleNotFoundError, match="vl-convert"):
        report.to_html()


def test_text_on_a_page_says_what_to_install(empty, monkeypatch):
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    assert "# x\n\nplain" in empty.report("x").text("plain").to_markdown()
    with pytest.raises(ModuleNotFoundError, match=r"runlake\[report\]"):
        empty.report("x").text("plain").to_html()
