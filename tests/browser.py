"""A real browser to test pages in, and a listener that records every request it makes."""

import io
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
from urllib.parse import parse_qsl

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from websocket import create_connection

from mnist_mlp.data.dataset import Dataset
from mnist_mlp.learning.network import Network
from mnist_mlp.learning.snapshots import Snapshots
from mnist_mlp.showing.report_page import bundle, gather, render

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
    "--disable-features=OptimizationHints,OptimizationGuideModelDownloading",  # asks Google
    "--disable-sync",
    "--window-size=1280,900",
    "--proxy-bypass-list=<-loopback>",
)
FIGURES = ("cost", "accuracy")


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
    """Emulate a screen of this size, a phone's if it is small, and preferences of its user."""
    phone = min(width, height) < 500
    screen: dict[str, Any] = {"width": width, "height": height, "deviceScaleFactor": 1}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**screen, "mobile": phone})
    chrome.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": phone})
    kind = media.pop("media", "")
    features = [{"name": name.replace("_", "-"), "value": value} for name, value in media.items()]
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": kind, "features": features})
    settle(chrome)


def visit(chrome: Chrome, path: Path, fragment: str = "") -> None:
    """Open a page, with the mouse in a corner where it points at nothing."""
    emulate(chrome)
    ActionBuilder(chrome, duration=0).pointer_action.move_to_location(0, 0)
    chrome.get_log("browser")
    if fragment:
        chrome.get("about:blank")  # so that the page is loaded, even if it is open
    chrome.get(path.as_uri() + fragment)
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


def find_all(place: Chrome | WebElement, selector: str) -> list[WebElement]:
    return place.find_elements(By.CSS_SELECTOR, selector)


def text(chrome: Chrome, selector: str) -> str:
    return find(chrome, selector).text.replace("\N{NO-BREAK SPACE}", " ")


def number(shown: str) -> float:
    return float(shown.replace("−", "-"))


def draw(
    chrome: Chrome, points: Sequence[tuple[float, float]], kind: str = "mouse", lift: bool = True
) -> None:
    """Draw a stroke through points in shares of the pad; `lift` the pen at its end."""
    pad = find(chrome, "#pad")
    actions = ActionBuilder(chrome, mouse=PointerInput(kind, kind), duration=5)
    side = pad.size["width"]
    for i, (x, y) in enumerate(points):
        at = round((x - 0.5) * side), round((y - 0.5) * side)
        actions.pointer_action.move_to(pad, *at)
        if i == 0:
            actions.pointer_action.pointer_down()
    if lift:
        actions.pointer_action.pointer_up()
    actions.perform()
    settle(chrome)


def point_at(chrome: Chrome, element: WebElement) -> None:
    """Move the mouse to the middle of an element that is in view."""
    actions = ActionBuilder(chrome, mouse=PointerInput("mouse", "mouse"), duration=5)
    actions.pointer_action.move_to(element)
    actions.perform()
    settle(chrome)


def tap(chrome: Chrome, element: WebElement) -> None:
    """Touch the middle of an element that is in view, with a finger."""
    actions = ActionBuilder(chrome, mouse=PointerInput("touch", "touch"), duration=5)
    actions.pointer_action.move_to(element).pointer_down().pointer_up()
    actions.perform()
    settle(chrome)


def write_page(
    path: Path,
    network: Network,
    test: Dataset,
    training: Dataset | None = None,
    snapshots: Snapshots | None = None,
) -> None:
    """Write the page of a network, as if it had been trained for two epochs."""
    names = (f"{kind}_{what}" for kind in ("training", "validation") for what in FIGURES)
    history = {"epoch": [1.0, 2.0], **{name: [0.5, 0.6] for name in names}}
    noise = np.random.default_rng(0).random((3, 784), np.float32)
    given: dict[str, Any] = {"history": history, "knobs": {}, "results": {}}
    page = gather(network, test, training or test, noise, snapshots=snapshots, **given)
    path.write_bytes(render(page))


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


def tab_to(chrome: Chrome, selector: str, back: bool = False) -> None:
    """Press Tab, or Shift and Tab, until such an element has the focus."""
    for _ in range(100):
        actions = ActionChains(chrome, duration=0)
        if back:
            actions.key_down(Keys.SHIFT)
        actions.send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
        if chrome.execute_script("return document.activeElement.matches(arguments[0])", selector):
            return
    pytest.fail(f"Tab does not reach {selector}")


def run(chrome: Chrome, modules: Sequence[str], script: str, *arguments: Any) -> Any:
    """Run a script that knows what these modules of the page export."""
    return chrome.execute_script(f"{bundle(modules)}\n{script}", *arguments)


def kept(chrome: Chrome) -> dict[str, str]:
    """Return what the page keeps in its address, when it has written the last change there."""
    settle(chrome)
    fragment: str = chrome.execute_async_script(
        "setTimeout((done) => done(location.hash.slice(1)), 300, arguments[0])"
    )
    return dict(parse_qsl(fragment))


def screenshot(chrome: Chrome) -> NDArray[np.int64]:
    """Return what is on the screen, (height, width, 3), red, green and blue from 0 to 255."""
    picture = Image.open(io.BytesIO(chrome.get_screenshot_as_png()))
    return np.asarray(picture.convert("RGB")).astype(int)


def box(chrome: Chrome, element: WebElement) -> tuple[float, float, float, float]:
    """Return the left, top, right and bottom of an element on the screen."""
    script = """
        const { left, top, right, bottom } = arguments[0].getBoundingClientRect();
        return [left, top, right, bottom];
    """
    left, top, right, bottom = chrome.execute_script(script, element)
    return left, top, right, bottom


def out_of_view(chrome: Chrome, selector: str) -> list[str]:
    """Return which of these elements, if they are shown at all, are not whole on the screen.

    They may not be under something that stays in place there, either.
    """
    found: list[str] = chrome.execute_script(
        """
        const within = (inner, outer) =>
            inner.left >= outer.left - 1 && inner.right <= outer.right + 1 &&
            inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
        const { clientWidth: right, clientHeight: bottom } = document.documentElement;
        const staying = [...document.querySelectorAll("#said, #tour")].filter((element) =>
            ["fixed", "sticky"].includes(getComputedStyle(element).position));
        const isUnder = (box, element) => staying.some((other) => {
            const { left, top, right, bottom } = other.getBoundingClientRect();
            return !other.contains(element) &&
                left < box.right && right > box.left && top < box.bottom && bottom > box.top;
        });
        const isWhole = (element) => {
            const box = element.getBoundingClientRect();
            if (!within(box, { left: 0, top: 0, right, bottom })) return false;
            if (isUnder(box, element)) return false;
            for (let each = element.parentElement; each; each = each.parentElement) {
                const cuts = getComputedStyle(each).overflow !== "visible";
                if (cuts && !within(box, each.getBoundingClientRect())) return false;
            }
            return true;
        };
        const shown = [...document.querySelectorAll(arguments[0])].filter((element) =>
            element.checkVisibility() && element.getBoundingClientRect().width);
        if (!shown.length) return [`no ${arguments[0]}`];
        return shown.filter((element) => !isWhole(element)).map((element) => {
            const { left, top, right, bottom } = element.getBoundingClientRect();
            return `${element.outerHTML.slice(0, 60)} from ${left},${top} to ${right},${bottom}`;
        });
        """,
        selector,
    )
    return found


def crowded(chrome: Chrome) -> list[str]:
    """Return texts that are cut off, or lie on each other or on a neuron of the diagram."""
    found: list[str] = chrome.execute_script(
        """
        const found = [];
        const boxes = []; // of words, then of neurons
        const cut = (one, other) => ({
            left: Math.max(one.left, other.left), top: Math.max(one.top, other.top),
            right: Math.min(one.right, other.right), bottom: Math.min(one.bottom, other.bottom),
        });
        const smaller = ({ left, top, right, bottom }, x, y) =>
            ({ left: left + x, top: top + y, right: right - x, bottom: bottom - y });
        const look = (words, parent, box) => {
            for (let each = parent; each; each = each.parentElement) {
                const { overflowX, overflowY } = getComputedStyle(each);
                if (overflowX === "visible") continue;
                const frame = each.getBoundingClientRect();
                const inside = cut(box, frame);
                const outX = inside.left > box.left + 1 || inside.right < box.right - 1;
                const outY = inside.top > box.top + 1 || inside.bottom < box.bottom - 1;
                if (outX && overflowX !== "auto" || outY && overflowY !== "auto") {
                    found.push(`cut: ${words}`);
                }
                box = inside;
            }
            if (box.right > box.left && box.bottom > box.top) boxes.push({ ...box, words });
        };
        const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const { textContent, parentElement } = texts.currentNode;
            if (!textContent.trim() || !parentElement.checkVisibility()) continue;
            if (parentElement.closest(".unseen, script")) continue;
            const range = document.createRange();
            range.selectNodeContents(texts.currentNode);
            for (const box of range.getClientRects()) {
                look(textContent.trim(), parentElement, smaller(box, 1, box.height / 5));
            }
        }
        const nTexts = boxes.length;
        for (const neuron of document.querySelectorAll("#neurons button")) {
            const words = neuron.getAttribute("aria-label");
            boxes.push({ ...smaller(neuron.getBoundingClientRect(), 3, 3), words });
        }
        for (let i = 0; i < nTexts; i++) {
            for (let k = i + 1; k < boxes.length; k++) {
                const { left, top, right, bottom } = cut(boxes[i], boxes[k]);
                if (left < right && top < bottom) {
                    found.push(`${boxes[i].words} | ${boxes[k].words}`);
                }
            }
        }
        return found;
        """
    )
    return found


def overflowing(chrome: Chrome, *cutting: str) -> list[str]:
    """Return which elements have more in them than they show, for these values of overflow."""
    found: list[str] = chrome.execute_script(
        """
        const found = [];
        for (const each of document.querySelectorAll("main, main *")) {
            if (!each.checkVisibility() || each.closest(".unseen, svg")) continue;
            const { overflowX, overflowY } = getComputedStyle(each);
            const { scrollWidth, clientWidth, scrollHeight, clientHeight } = each;
            const wide = scrollWidth > clientWidth + 1 && arguments[0].includes(overflowX);
            const high = scrollHeight > clientHeight + 1 && arguments[0].includes(overflowY);
            if (wide || high) {
                found.push(`${each.outerHTML.slice(0, 60)}: ` +
                    `${scrollWidth}×${scrollHeight} in ${clientWidth}×${clientHeight}`);
            }
        }
        return found;
        """,
        cutting,
    )
    return found


def small_targets(chrome: Chrome) -> list[str]:
    """Return what can be clicked, but is less than 24 pixels wide or high."""
    found: list[str] = chrome.execute_script(
        """
        const kinds = "button, select, summary, a[href], label:has(input), input:not(label input)";
        return [...document.querySelectorAll(kinds)]
            .filter((target) => target.checkVisibility())
            .map((target) => [target, target.getBoundingClientRect()])
            .filter(([, { width, height }]) => Math.min(width, height) < 23.9)
            .map(([{ outerHTML }, { width, height }]) =>
                `${outerHTML.slice(0, 40)} ${width.toFixed(1)}×${height.toFixed(1)}`);
        """
    )
    return found


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
