"""The report of a proof: for a terminal, for programs (JSON, JUnit), for a reader (one HTML page)."""

from wallcloud.verify.report.html import About, as_html
from wallcloud.verify.report.json import as_json
from wallcloud.verify.report.junit import as_junit, write_junit
from wallcloud.verify.report.text import as_text

__all__ = ["About", "as_html", "as_json", "as_junit", "as_text", "write_junit"]
