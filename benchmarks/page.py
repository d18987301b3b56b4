"""Measure how long the page takes for an update while somebody draws.

Run `PYTHONPATH=.:src python benchmarks/page.py` after `dvc repro` and `make .venv/browser`.
"""

import statistics
from pathlib import Path

from tests.browser import Listener, draw, emulate, find, open_browser, settle

PAGE = Path("metrics/report.html").resolve()
STROKE = [(0.25 + 0.005 * i, 0.3 + 0.2 * ((i // 20) % 2) + 0.002 * i) for i in range(100)]
WATCH = """
    window.updates = [];
    const request = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = (act) => request((time) => {
      const start = performance.now();
      act(time);
      window.updates.push(performance.now() - start);
    });
"""


def main() -> None:
    """Draw a long stroke, on this machine's CPU and on one throttled to a quarter."""
    with open_browser(Listener()) as chrome:
        emulate(chrome)
        chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        chrome.get(PAGE.as_uri())
        settle(chrome)
        for slower in (1, 4):
            chrome.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": slower})
            find(chrome, "#clear").click()
            settle(chrome)
            chrome.execute_script("window.updates.length = 0")
            draw(chrome, STROKE)
            found = chrome.execute_script("return window.updates")
            print(
                f"CPU throttled {slower} times: median {statistics.median(found):.1f} ms, "
                f"90 % under {statistics.quantiles(found, n=10)[-1]:.1f} ms, {len(found)} updates"
            )


if __name__ == "__main__":
    main()
