"""Reports: text, tables and pictures of runs as one page or as Markdown.

A report is a list of `blocks`, plain data, which `report` collects, `page` renders as HTML and `markdown` as Markdown. What
a page shows follows from the runs and the text alone: the same runs give the same bytes. `subject` says which runs a
template is about, and a file in `templates` is one kind of report.
"""

from .report import Report

__all__ = ["Report"]
