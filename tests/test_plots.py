"""The page of `dvc plots show`: it shows its charts without a network."""

import importlib.util
import json
import re
import shutil
import subprocess
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
    "--virtual-time-budget=10000",
]


@pytest.fixture(scope="module")
def page(finished: Path) -> Path:
    done(finished, "dvc", "plots", "show", "--out", "dvc_plots")
    return finished / "dvc_plots/index.html"


def opened(page: Path, folder: Path) -> tuple[str, list[dict[str, Any]]]:
    """Open a page in a browser without a network; return what it became and what it asked for."""
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


@pytest.mark.skipif(not BROWSER, reason="needs Chromium: apt-get install chromium")
def test_the_page_draws_its_charts_and_asks_for_nothing(page: Path, tmp_path: Path) -> None:
    content, requests = opened(page, tmp_path)
    assert len(re.findall(r'class="marks"', content)) == 4
    assert requests == []


@pytest.mark.skipif(not BROWSER, reason="needs Chromium: apt-get install chromium")
def test_a_request_of_a_page_would_be_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<script src="https://cdn.jsdelivr.net/npm/vega@5"></script>', "utf-8")
    _, requests = opened(page, tmp_path)
    assert [request["url"] for request in requests] == ["https://cdn.jsdelivr.net/npm/vega@5"]


def test_the_page_names_no_other_address_to_load_from(page: Path) -> None:
    content = page.read_text("utf-8")
    assert not re.search(r"<(script|link|iframe)[^>]* (src|href)=", content)


def test_plots_of_two_runs_are_compared(clone: Path) -> None:
    (clone / "params.yaml").write_text(yaml.safe_dump(KNOBS | {"hidden": 32}), "utf-8")
    done(clone, "dvc", "repro")
    done(clone, "dvc", "plots", "diff")
    assert "workspace" in (clone / "dvc_plots/index.html").read_text("utf-8")


def test_the_template_holds_the_versions_and_licences_that_its_maker_names() -> None:
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
