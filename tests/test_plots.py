"""The pages of `dvc plots show` and `dvc plots diff`, in a real browser without a network."""

import importlib.util
import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import KNOBS, ROOT, done

pytestmark = pytest.mark.slow

PAGE = ROOT / ".dvc/page"
BROWSER = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
QUIET = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--virtual-time-budget=10000", "--window-size=1280,720", "--hide-scrollbars"),
]
needs_browser = pytest.mark.skipif(not BROWSER, reason="needs Chromium: apt-get install chromium")
# Draws charts as SVG, whose elements have labels, and records where each picture is.
PROBE = """<script>
const embed = vegaEmbed;
vegaEmbed = (id, spec) => embed(id, spec, {renderer: "svg"});
onload = () => {
  const places = [...document.images].map((image) => image.getBoundingClientRect());
  document.body.dataset.places = JSON.stringify(places);
};
</script>"""


@pytest.fixture(scope="module")
def page(finished: Path) -> Path:
    done(finished, "dvc", "plots", "show", "--out", "dvc_plots")
    return finished / "dvc_plots/index.html"


def opened(page: Path, folder: Path) -> tuple[str, list[dict[str, Any]]]:
    """Open a page in a browser without a network; return its final HTML and its requests."""
    log = folder / "log.json"
    command = [str(BROWSER), *QUIET, f"--user-data-dir={folder / 'user'}", f"--log-net-log={log}"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom", page.as_uri()]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    events = json.loads(log.read_text("utf-8"))["events"]
    # A page's requests have its origin as their initiator, and the browser's own have none.
    return result.stdout, [
        event["params"]
        for event in events
        if event.get("params", {}).get("initiator", "not an origin") != "not an origin"
    ]


def probed(page: Path, folder: Path) -> str:
    """Return the final HTML of a page, opened with the probe at the end of its head."""
    copy = page.with_name("probed.html")
    start, end = page.read_text("utf-8").split("</head>\n<body>")
    copy.write_text(f"{start}{PROBE}</head>\n<body>{end}", "utf-8")
    return opened(copy, folder)[0]


def lines(content: str) -> Counter[str]:
    """Count the lines in the charts by the set of images that they show."""
    mark = r'aria-label="[^"]*images: (\w+)[^"]*"[^>]*aria-roledescription="line mark"'
    return Counter(re.findall(mark, content))


@needs_browser
def test_the_page_draws_its_charts_and_makes_no_request(page: Path, tmp_path: Path) -> None:
    content, requests = opened(page, tmp_path)
    assert len(re.findall(r'class="marks"', content)) == 2
    assert requests == []


@needs_browser
def test_the_curves_show_cost_and_accuracy_once_for_each_set(page: Path, tmp_path: Path) -> None:
    assert lines(probed(page, tmp_path)) == {"training": 2, "validation": 2}


@needs_browser
def test_without_validation_images_the_curves_are_those_of_training(clone: Path) -> None:
    history = clone / "metrics/history.csv"
    rows = [row.split(",") for row in history.read_text("ascii").splitlines()]
    rows[1:] = [[*row[:4], "nan", "nan", row[-1]] for row in rows[1:]]  # as with validation: 0
    history.write_text("".join(",".join(row) + "\n" for row in rows), "ascii")
    done(clone, "dvc", "plots", "show")
    assert lines(probed(clone / "dvc_plots/index.html", clone.parent)) == {"training": 2}


@needs_browser
def test_the_more_often_a_digit_is_misread_as_another_the_redder_the_cell(
    finished: Path, page: Path, tmp_path: Path
) -> None:
    rows = (finished / "metrics/predictions.csv").read_text("ascii").splitlines()[1:]
    misread = Counter(row for row in rows if row[0] != row[-1])
    fills = {}
    cell = r'aria-label="read as: (\d); digit: (\d); misread: (\d+)"[^>]* fill="([^"]*)"'
    for predicted, actual, times, fill in re.findall(cell, probed(page, tmp_path)):
        if predicted == actual:
            assert fill == "#eeeeee"
        else:
            assert int(times) == misread.pop(f"{actual},{predicted}")
            fills[int(times)] = [int(part) for part in re.findall(r"\d+", fill)]
    assert not misread
    assert fills[max(fills)] == [178, 24, 43]
    greens = [fills[times][1] for times in sorted(fills)]
    assert greens == sorted(set(greens), reverse=True)


@needs_browser
def test_a_request_by_a_page_would_be_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<script src="https://cdn.jsdelivr.net/npm/vega@5"></script>', "utf-8")
    _, requests = opened(page, tmp_path)
    assert [request["url"] for request in requests] == ["https://cdn.jsdelivr.net/npm/vega@5"]


def test_the_page_loads_nothing_from_elsewhere(page: Path) -> None:
    content = page.read_text("utf-8")
    assert not re.search(r"<(script|link|iframe)[^>]* (src|href)=", content)


@needs_browser
def test_pictures_of_two_runs_are_side_by_side_and_top_aligned(clone: Path) -> None:
    (clone / "params.yaml").write_text(yaml.safe_dump(KNOBS | {"hidden": 32}), "utf-8")
    done(clone, "dvc", "repro")
    done(clone, "dvc", "plots", "diff")
    content = probed(clone / "dvc_plots/index.html", clone.parent)
    assert lines(content) == {"training": 4, "validation": 4}
    (found,) = re.findall(r'data-places="([^"]*)"', content)
    places = json.loads(found.replace("&quot;", '"'))
    assert len(places) == 4
    for left, right in (places[:2], places[2:]):
        assert left["top"] == right["top"]
        assert 500 < left["right"] < right["left"] < right["right"] < 1280


def test_the_template_has_the_pinned_versions_and_their_licences() -> None:
    spec = importlib.util.spec_from_file_location("make_template", PAGE / "make_template.py")
    assert spec
    assert spec.loader
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    template = (PAGE / "template.html").read_text("utf-8")
    licences = template.partition("<!--")[2].partition("-->")[0]
    for name, (version, _) in maker.PACKAGES.items():
        assert f"<script>/* {name} {version} */" in template
        assert re.search(rf"^(.*, )?{name}(, .*)?:$", licences, re.MULTILINE)
    assert "University of Washington Interactive Data Lab" in licences
    start, end = maker.PAGE.split("LICENCES")
    assert template.startswith(start)
    assert template.endswith(end.partition("SCRIPTS")[2])
