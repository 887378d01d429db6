"""A browser over a server of this package. Without Chromium or Playwright, these tests are skipped."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from served import ServedApp, served
from visitor import Visitor

from qa_engine import ingest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Scripts beside the package, not part of it: how a mark lies over ink is measured there, too.
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

EXAMPLES = Path(__file__).parents[2] / "examples"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_VIEWPORTS = {"desktop": (1280, 800), "phone": (390, 844), "narrow": (320, 640)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium of the system. Of a module, since an event loop runs as long as Playwright does."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the extra browser is not installed")
    executable = next(filter(None, map(shutil.which, _NAMES)), None)
    if executable is None:
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as started:
        one = started.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield one
        one.close()


@pytest.fixture(scope="session")
def example_storage(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    """A storage folder with the examples in the collection ``demo``. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp("browser") / "storage"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        ingest(EXAMPLES, folder, "demo", {})
    return folder


@pytest.fixture(scope="module")
def example_server(example_storage: Path, model_cache: Path) -> Iterator[ServedApp]:
    """A server over `example_storage`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        with served(example_storage, "demo") as one:
            yield one


@pytest.fixture(params=["desktop"])
def viewport(request: pytest.FixtureRequest) -> tuple[int, int]:
    """Width and height; ``@pytest.mark.parametrize("viewport", ["phone"], indirect=True)`` chooses another."""
    return _VIEWPORTS[request.param]


@pytest.fixture(params=["light"])
def colours(request: pytest.FixtureRequest) -> str:
    """``light`` or ``dark``, to be chosen as the viewport is."""
    return str(request.param)


@pytest.fixture
def visitor(
    browser: Browser, example_server: ServedApp, viewport: tuple[int, int], colours: str
) -> Iterator[Visitor]:
    """A visitor of `example_server`. What a page did that it must not do fails the test at its end."""
    context = browser.new_context(
        viewport={"width": viewport[0], "height": viewport[1]}, color_scheme=colours, locale="zh-CN"
    )
    one = Visitor(context, example_server.url)
    yield one
    context.close()
    one.watch.check()
