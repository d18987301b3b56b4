"""The website that GitHub Pages shows: every link and picture is there."""

import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.conftest import ROOT, done, start

BUILD = (sys.executable, str(ROOT / ".ci/build_site.py"))


class Page(HTMLParser):
    """The links of a page, and the names of its places."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.names: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, _: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if value and name == "id":
                self.names.add(value)
            elif value and name in ("href", "src") and not value.startswith("data:"):
                self.links.add(value)


@pytest.fixture
def site(clone: Path) -> Path:
    """Build the site of a clone, with the claims that are in git."""
    shutil.copy(ROOT / "metrics/claims.md", clone / "metrics")
    shutil.copytree(ROOT / "metrics/claims", clone / "metrics/claims")
    (clone / "docs").mkdir()
    shutil.copy(ROOT / "docs/report.png", clone / "docs")
    done(clone, *BUILD, GITHUB_SERVER_URL="https://example.org", GITHUB_REPOSITORY="a/network")
    return clone / "site"


def test_every_link_and_picture_of_the_site_is_there(site: Path) -> None:
    pages = {path.name: Page(path) for path in site.glob("*.html")}
    assert set(pages) == {"index.html", "claims.html", "report.html"}
    for page in pages.values():
        for link in page.links - {"https://example.org/a/network"}:
            name, _, place = link.partition("#")
            assert (site / name).is_file(), link
            assert not place or place in pages[name].names, link


def test_the_first_page_leads_to_all_others_and_to_the_code(site: Path) -> None:
    links = Page(site / "index.html").links
    assert links >= {"report.html", "claims.html", "https://example.org/a/network", "report.png"}


def test_the_claims_are_whole_with_tables_and_places_to_link_to(site: Path) -> None:
    markdown = (ROOT / "metrics/claims.md").read_text("utf-8")
    html = (site / "claims.html").read_text("utf-8")
    assert html.count("<tr>") == markdown.count("\n| ") - markdown.count("\n| ---")
    assert html.count("<img ") == markdown.count("\n![")
    assert html.count("<a id=") == html.count("<h2>") == markdown.count("\n## ")


def test_without_results_the_site_is_refused_in_a_line(tmp_path: Path) -> None:
    result = start(tmp_path, *BUILD)
    assert result.returncode == 1
    assert result.stderr == "metrics/report.html: not found; run `make` first\n"
