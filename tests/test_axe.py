"""The page is accessible: axe finds nothing, in light and dark, on a phone and on a laptop."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from tests.browser import Listener, emulate, find, find_all, open_browser, settle, violations, visit

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chrome]:
    with open_browser(Listener()) as chrome:
        yield chrome


@pytest.fixture
def page(chrome: Chrome, finished: Path) -> Chrome:
    visit(chrome, finished / "metrics/report.html")
    return chrome


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(width: int, scheme: str, page: Chrome) -> None:
    emulate(page, width=width, prefers_color_scheme=scheme)
    settle(page)
    assert violations(page) == []


def show_a_moment(page: Chrome) -> None:
    find(page, "#moment").send_keys(Keys.HOME, Keys.ARROW_RIGHT)


def teach(page: Chrome) -> None:
    find(page, "#lesson-tab").click()
    find_all(page, "#labels button")[3].click()
    find(page, "#one-step").click()


def hold_a_neuron(page: Chrome) -> None:
    find(page, '[aria-label^="Hidden layer 1, neuron 2:"]').click()


def take_the_tour(page: Chrome) -> None:
    find(page, "#start-tour").click()


@pytest.mark.parametrize("act", [show_a_moment, teach, hold_a_neuron, take_the_tour])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_after_an_act(
    scheme: str, act: Callable[[Chrome], None], page: Chrome
) -> None:
    emulate(page, prefers_color_scheme=scheme)
    act(page)
    settle(page)
    assert violations(page) == []


def test_axe_finds_small_buttons_without_names(page: Chrome) -> None:
    page.execute_script(
        """
        const buttons = [1, 2].map(() => document.createElement("button"));
        for (const { style } of buttons) {
          style.cssText = "all: unset; display: block; width: 9px; height: 9px";
        }
        const paragraph = document.createElement("p");
        paragraph.append(...buttons);
        document.querySelector("main").append(paragraph);
        """
    )
    found = [violation.partition(":")[0] for violation in violations(page)]
    assert found == ["button-name", "target-size"]
