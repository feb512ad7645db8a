"""A real browser without a window."""

from __future__ import annotations

import html
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

_FLAGS = (
    "--headless",
    "--no-sandbox",  # the tests may run as root, and the page is ours
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--no-first-run",
    "--hide-scrollbars",
)

#: Measures the page in its frame, and writes what it found into its own document.
_PROBE = """
addEventListener("load", () => {
  const view = document.querySelector("iframe").contentWindow, page = view.document;
  const style = view.getComputedStyle(page.body);
  const clipped = [...page.querySelectorAll("svg.chart text")].filter((text) => {
    const inside = text.ownerSVGElement.viewBox.baseVal, box = text.getBBox();
    return box.x < -1 || box.y < -1 || box.x + box.width > inside.width + 1 || box.y + box.height > inside.height + 1;
  }).map((text) => text.textContent);
  const wide = [...page.querySelectorAll("body *")].filter((one) =>
    !one.closest(".scroll, .items, .hidden, .skip, thead, svg") && one.getBoundingClientRect().right > view.innerWidth + 1
  ).map((one) => one.outerHTML.slice(0, 120));
  document.body.textContent = JSON.stringify({
    width: page.documentElement.scrollWidth,
    height: page.documentElement.scrollHeight,
    room: view.innerWidth,
    ink: style.color,
    paper: style.backgroundColor,
    fetched: view.performance.getEntriesByType("resource").map((one) => one.name).filter((name) => !name.startsWith("data:")),
    pictures: [...page.images].map((one) => [one.complete, one.naturalWidth]),
    charts: [...page.querySelectorAll("svg.chart")].map((one) => [one.getBoundingClientRect().width, one.getBoundingClientRect().height]),
    sections: [...page.querySelectorAll("section")].map((one) => one.getBoundingClientRect().height),
    clipped, wide,
  });
});
"""


def browser() -> str:
    """Returns the program; skips the test where there is none, and fails it in the gate, which installs one."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        reason = "no browser on this machine; Debian's package is chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def layout(page: str, folder: Path, *, width: int, dark: bool = False) -> dict[str, Any]:
    """Returns how a browser lays a page out that is so many pixels wide."""
    # The frame is of the same origin as what measures it, which a file of its own would not be.
    frame = f'<iframe srcdoc="{html.escape(page)}" style="width:{width}px;height:800px;border:0"></iframe>'
    probe = folder / "probe.html"
    probe.write_text(f"<!doctype html><meta charset=utf-8><body>{frame}<script>{_PROBE}</script>", encoding="utf-8")
    dumped = _run(folder, probe, "--dump-dom", "--window-size=1600,1000", dark=dark)
    body = dumped[dumped.index("<body>") + len("<body>") : dumped.rindex("</body>")]
    measured: dict[str, Any] = json.loads(html.unescape(body))
    return measured


def screenshot(page: str, folder: Path, *, width: int, height: int) -> Path:
    """Returns a picture of a page."""
    file, picture = folder / "page.html", folder / "page.png"
    file.write_text(page, encoding="utf-8")
    _run(folder, file, f"--screenshot={picture}", f"--window-size={width},{height}", dark=False)
    return picture


def _run(folder: Path, file: Path, *flags: str, dark: bool) -> str:
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    command = (browser(), *_FLAGS, scheme, f"--user-data-dir={folder / 'profile'}", *flags, file.as_uri())
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
