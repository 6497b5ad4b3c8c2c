"""Names, settings, tags, notes, errors and text are shown, and never obeyed."""

import re

import pytest
from html_page import Page

import runlake as rl
from runlake.reports import prose

TAG = "<script>alert(1)</script>"
BREAKOUT = "\"'></style></td><img src=x onerror=alert(1)>"
NOTES = f"""{TAG} <img src="http://evil.example/x.png"> ![pixel](http://evil.example/y.png)
[click](javascript:alert(1)) [data](data:text/html,x) <b onclick=alert(1)>bold</b>

<iframe src="http://evil.example"></iframe>
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Runs whose every text is an attack, in a project of such a name."""
    folder = tmp_path_factory.mktemp("hostile") / "lake"
    for seed, name in enumerate((TAG, BREAKOUT)):
        config = {TAG: BREAKOUT + str(seed), "opt": TAG, "data": TAG, "seed": seed}
        with (
            pytest.raises(RuntimeError),
            rl.init(
                f"p{TAG}",
                name,
                config,
                id=f"r{seed}-{TAG}",
                tags=[TAG],
                notes=NOTES,
                group=BREAKOUT,
                lake=folder,
                quiet=True,
            ) as run,
        ):
            run.define_metric(f"{TAG}/acc", goal="maximize")
            for step in range(3):
                run.log({f"{TAG}/acc": step + seed, BREAKOUT: 1.0}, step=step)
            raise RuntimeError(f"{TAG}{BREAKOUT}\u202ex\x1b[31m")
    return rl.open(folder)


def arguments(template, lake):
    first, second = (row["id"] for row in lake.runs().rows())
    return {
        "ab-test": {"a": [first], "b": [second], "text": NOTES},
        "ablation": {"baseline": first, "text": NOTES},
        "model-card": {"runs": first, "text": f"{NOTES}\n## {TAG}\n{NOTES}"},
    }.get(template, {"text": NOTES})


@pytest.mark.parametrize("template", ["exploratory", "ab-test", "ablation", "model-card", "weekly"])
def test_no_text_of_a_run_becomes_markup(hostile, template):
    report = hostile.report(template=template, title=TAG + BREAKOUT, **arguments(template, hostile))
    page = Page(report.to_html())
    assert page.tags.isdisjoint({"script", "iframe", "b", "object", "link", "svg"})
    named = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in named if name.startswith("on")}
    assert all(image["src"].startswith("data:image/svg+xml,") for image in page.of("img"))
    schemes = {a["href"].partition(":")[0] for a in page.of("a") if not a["href"].startswith("#")}
    assert schemes <= {"http"}  # what was written as the address of a picture is a link
    assert TAG in page.text
    assert "\u202e" not in page.text
    assert "\x1b" not in page.text
    assert len(page.of("style")) == 1


def test_markdown_has_no_tag_of_a_run(hostile):
    first = hostile.runs().rows()[0]["id"]
    for report in (
        hostile.report(template="exploratory"),
        hostile.report(template="model-card", runs=first),
    ):
        text = report.to_markdown()
        assert TAG not in text
        assert r"\<script\>" in text
        assert not re.search(r"(?<!\\)<[a-z/!]|(?<!\\)!\[", text)
        lines = [line for line in text.splitlines() if line.startswith("|")]
        assert all(line.endswith(" |") for line in lines)


@pytest.mark.parametrize(
    "link",
    [
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java&#115;cript:alert(1))",
        "[x](&#x6A;avascript:alert(1))",
        "[x](<java\tscript:alert(1)>)",
        "[x](vbscript:x)",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](file:///etc/passwd)",
        "<javascript:alert(1)>",
        "[x][y]\n\n[y]: javascript:alert(1)",
    ],
)
def test_a_link_that_could_do_harm_is_none(link):
    hrefs = [a["href"].lower() for a in Page(prose.html(link, below=2)).of("a")]
    assert not [href for href in hrefs if not href.startswith("java%09script")]


def test_links_to_the_web_and_beside_the_page_stay():
    text = "[a](https://example.org/x?y=1) [b](notes.html) [c](mailto:a@b.c)"
    hrefs = [a["href"] for a in Page(prose.html(text, below=2)).of("a")]
    assert hrefs == ["https://example.org/x?y=1", "notes.html", "mailto:a@b.c"]


def test_a_picture_with_a_script_is_an_image_in_which_none_runs(empty):
    class Evil:
        def to_svg(self):
            return '<svg onload="alert(1)"><script>alert(1)</script>"\'</svg>'

    page = Page(empty.report().plot(Evil(), BREAKOUT).to_html())
    assert page.tags.isdisjoint({"svg", "script"})
    (image,) = page.of("img")
    assert set(image) == {"src", "alt"}
