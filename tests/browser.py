"""A real browser to test pages in, and a listener that records every request it makes."""

import json
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from websocket import create_connection

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
SWITCHES = (
    "--headless=new",
    "--no-sandbox",  # Chromium does not start as root with one
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
    "--proxy-bypass-list=<-loopback>",
)


class Listener:
    """A local server that records the first line of every request, and answers none."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.requests: list[str] = []
        Thread(target=self._listen, daemon=True).start()

    @property
    def address(self) -> str:
        host, port = self.server.getsockname()
        return f"{host}:{port}"

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:  # closed
                return
            with connection:
                connection.settimeout(5)
                try:
                    self.requests.append(connection.recv(4096).decode("latin-1").partition("\r")[0])
                except TimeoutError:
                    self.requests.append("")


@contextmanager
def open_browser(listener: Listener) -> Iterator[Chrome]:
    """Start a browser that sends every request, whatever its address, to the listener."""
    if not BROWSER or not DRIVER:
        pytest.skip("needs a browser: `apt-get install chromium chromium-driver`")
    options = ChromeOptions()
    options.binary_location = BROWSER
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for switch in (
            *SWITCHES,
            f"--proxy-server={listener.address}",
            f"--user-data-dir={profile}",
        ):
            options.add_argument(switch)
        chrome = Chrome(options=options, service=Service(DRIVER))
        try:
            yield chrome
        finally:
            chrome.quit()


def emulate(chrome: Chrome, width: int = 1280, height: int = 900, **media: str) -> None:
    """Emulate a screen of this size, and user preferences such as a dark colour scheme."""
    screen: dict[str, Any] = {"width": width, "height": height, "deviceScaleFactor": 1}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**screen, "mobile": width < 500})
    features = [{"name": name.replace("_", "-"), "value": value} for name, value in media.items()]
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def visit(chrome: Chrome, path: Path) -> None:
    emulate(chrome)
    chrome.get_log("browser")
    chrome.get(path.as_uri())
    settle(chrome)


def complaints(chrome: Chrome) -> list[str]:
    return [entry["message"] for entry in chrome.get_log("browser")]


def settle(chrome: Chrome) -> None:
    """Wait until the page has drawn every change."""
    chrome.execute_async_script(
        "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))"
    )


def find(chrome: Chrome, selector: str) -> WebElement:
    return chrome.find_element(By.CSS_SELECTOR, selector)


def text(chrome: Chrome, selector: str) -> str:
    return find(chrome, selector).text.replace("\N{NO-BREAK SPACE}", " ")


def draw(chrome: Chrome, points: Sequence[tuple[float, float]], kind: str = "mouse") -> None:
    pad = find(chrome, "#pad")
    actions = ActionBuilder(chrome, mouse=PointerInput(kind, kind), duration=5)
    side = pad.size["width"]
    for i, (x, y) in enumerate(points):
        at = round((x - 0.5) * side), round((y - 0.5) * side)
        actions.pointer_action.move_to(pad, *at)
        if i == 0:
            actions.pointer_action.pointer_down()
    actions.pointer_action.pointer_up()
    actions.perform()
    settle(chrome)


@contextmanager
def quick_mouse(chrome: Chrome) -> Iterator[Callable[[Iterable[Sequence[Sequence[float]]]], None]]:
    """Yield a function that draws strokes, lists of (x, y) in shares of the pad.

    Its events go straight to the browser, and do not wait for one another.
    """
    address = chrome.capabilities["goog:chromeOptions"]["debuggerAddress"]
    page = f"ws://{address}/devtools/page/{chrome.current_window_handle}"
    corner = "const { left, top, width } = arguments[0].getBoundingClientRect();"

    def draw(strokes: Iterable[Sequence[Sequence[float]]]) -> None:
        pad = find(chrome, "#pad")
        left, top, side = chrome.execute_script(f"{corner} return [left, top, width];", pad)
        events = 0
        for stroke in strokes:
            moves = [("mouseMoved", point) for point in stroke]
            ends = [("mousePressed", stroke[0]), *moves, ("mouseReleased", stroke[-1])]
            for kind, (x, y) in ends:
                event = {"type": kind, "x": left + x * side, "y": top + y * side}
                event |= {"button": "left", "buttons": 1, "clickCount": 1}
                message = {"id": events, "method": "Input.dispatchMouseEvent", "params": event}
                connection.send(json.dumps(message))
                events += 1
        for _ in range(events):
            connection.recv()
        settle(chrome)

    with closing(create_connection(page, suppress_origin=True)) as connection:
        yield draw


def press(chrome: Chrome, *keys: str) -> None:
    ActionChains(chrome, duration=0).send_keys(*keys).perform()
    settle(chrome)


def violations(chrome: Chrome) -> list[str]:
    """Return what axe finds wrong with the page as it is now: the rules, each with an element."""
    axe = files("selenium_axe_python") / "axe-core/axe.min.js"
    chrome.execute_script(axe.read_text("utf-8"))
    found: list[str] = chrome.execute_async_script(
        """
        const done = arguments[0];
        axe.run({ rules: { "target-size": { enabled: true } } }).then(({ violations }) =>
            done(violations.map(({ id, nodes }) => `${id}: ${nodes[0].target.join(" ")}`)));
        """
    )
    return found
