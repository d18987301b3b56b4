"""Build the website in site/: a first page, the page to draw on, and the claims.

Run it at the top of a clone that has results. On GitHub's machines, the first page links to the
repository too.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from string import Template

from markdown_it import MarkdownIt

SITE = Path("site")
METRICS = Path("metrics")
FIRST = """\
# Watch a neural network read your handwriting

Draw a digit, and see how {parameters:,} numbers, learned from {training_images:,} examples, decide
what it is. Of digits that it had never met, the network reads {percent:.2f}\N{NO-BREAK SPACE}%.

**[Draw a digit](report.html)** or see [what the videos say, tested](claims.html){code}.

[![A digit is drawn, and the layers of the network light up](report.png)](report.html)
"""
LAST = "\n[Watch a neural network read your handwriting](index.html)\n"


def to_html(markdown: str) -> str:
    """Turn Markdown, with GitHub's tables, into a page that is titled by its first line."""
    body = MarkdownIt("commonmark").enable("table").render(markdown)
    # A table can be wider than a phone: with tabindex, keys can scroll it too.
    body = body.replace("<table>", '<div class="wide" tabindex="0"><table>')
    body = body.replace("</table>", "</table></div>")
    title = markdown.partition("\n")[0].removeprefix("# ")
    template = Template(Path(__file__).with_name("site.html").read_text("utf-8"))
    return template.substitute(title=title, body=body)


def first_page() -> str:
    """Write the page that a visitor sees first, as Markdown."""
    results = json.loads((METRICS / "accuracy.json").read_bytes())
    code = ""
    if "GITHUB_REPOSITORY" in os.environ:
        code = " or [the code]({GITHUB_SERVER_URL}/{GITHUB_REPOSITORY})".format(**os.environ)
    return FIRST.format(**results, percent=100 * results["test_accuracy"], code=code)


def build() -> None:
    """Build the site in place of the last one."""
    if not (METRICS / "report.html").exists():
        sys.exit(f"{METRICS}/report.html: not found; run `make` first")
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.copytree(METRICS / "claims", SITE / "claims")
    shutil.copy(METRICS / "report.html", SITE)
    shutil.copy("docs/report.png", SITE)
    claims = (METRICS / "claims.md").read_text("utf-8")
    (SITE / "claims.html").write_text(to_html(claims + LAST), "utf-8")
    (SITE / "index.html").write_text(to_html(first_page()), "utf-8")


if __name__ == "__main__":
    build()
