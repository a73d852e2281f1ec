"""A walk through Snakemake's report in a browser: everything is clicked, and what is wrong is listed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SIZES = ((1400, 900), (1000, 700), (390, 844))
"""A laptop, half of a screen, a phone."""
MENU = "#app > div > nav"
SHOWN = "#app > div > div:last-child"
TOLERANCE = 2
"""Pixels: fonts differ between machines."""
_MOMENTS = 50
"""Tenths of a second in which a page has to be drawn."""

# Text and pictures that no scrolling brings into the window: from each box upwards, what an ancestor cuts off
# is lost, unless it can be scrolled there.
_UNREACHABLE = """
(tolerance) => {
  const lost = [];
  const inside = (box, low, high) => box[0] >= low - tolerance && box[1] <= high + tolerance;
  const check = (element, rect, name) => {
    let x = [rect.left, rect.right], y = [rect.top, rect.bottom];
    for (let at = element; at && at !== document.documentElement; at = at.parentElement) {
      const style = getComputedStyle(at), frame = at.getBoundingClientRect();
      if (style.position === "fixed") return;
      if (at === document.body) break;
      if (style.overflowX !== "visible") {
        const scrolls = style.overflowX !== "hidden" && style.overflowX !== "clip";
        const low = frame.left - (scrolls ? at.scrollLeft : 0);
        if (!inside(x, low, low + (scrolls ? Math.max(at.scrollWidth, frame.width) : frame.width)))
          return lost.push(`${name}: ${Math.round(x[0])} to ${Math.round(x[1])} across`);
        x = [Math.max(x[0], frame.left), Math.min(x[1], frame.right)];
      }
      if (style.overflowY !== "visible") {
        const scrolls = style.overflowY !== "hidden" && style.overflowY !== "clip";
        const low = frame.top - (scrolls ? at.scrollTop : 0);
        if (!inside(y, low, low + (scrolls ? Math.max(at.scrollHeight, frame.height) : frame.height)))
          return lost.push(`${name}: ${Math.round(y[0])} to ${Math.round(y[1])} down`);
        y = [Math.max(y[0], frame.top), Math.min(y[1], frame.bottom)];
      }
      if (x[0] > x[1] || y[0] > y[1]) return;
    }
    // Nobody should have to scroll the page itself to the side.
    if (!inside(x, 0, innerWidth)) lost.push(`${name}: ${Math.round(x[0])} to ${Math.round(x[1])} across`);
    const height = document.documentElement.scrollHeight;
    if (!inside(y, -scrollY, height - scrollY)) lost.push(`${name}: ${Math.round(y[0])} down`);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.textContent.trim() || ["SCRIPT", "STYLE"].includes(node.parentElement.tagName)) continue;
    if (!node.parentElement.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects())
      if (rect.width) check(node.parentElement, rect, `'${node.textContent.trim().slice(0, 40)}'`);
  }
  for (const picture of document.querySelectorAll("img, canvas"))
    check(picture, picture.getBoundingClientRect(), picture.tagName.toLowerCase());
  return lost;
}
"""
_TEXT_OUTSIDE_OF_A_FIGURE = """
(tolerance) => {
  const frame = document.documentElement.getBoundingClientRect();
  return [...document.querySelectorAll("text")].filter((text) => {
    const box = text.getBoundingClientRect();
    return box.left < frame.left - tolerance || box.right > frame.right + tolerance
      || box.top < frame.top - tolerance || box.bottom > frame.bottom + tolerance;
  }).map((text) => text.textContent.trim());
}
"""
_TEXT_OVER_TEXT = """
() => {
  const flat = [...document.querySelectorAll("text")]
    .filter((one) => one.textContent.trim() && Math.abs(one.getScreenCTM().b) < 1e-3)
    .map((one) => [one.textContent.trim(), one.getBoundingClientRect()]);
  const found = [];
  for (let i = 0; i < flat.length; i++)
    for (let j = 0; j < i; j++) {
      const [a, b] = [flat[i][1], flat[j][1]];
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 2 && down > 0.5 * Math.min(a.height, b.height))
        found.push(`${flat[j][0]} / ${flat[i][0]}`);
    }
  return found;
}
"""


class Walk:
    """One walk at one size of the window.

    Attributes
    ----------
    faults : list of str
        What is wrong, and where.
    """

    def __init__(self, browser: Any, report: Path, size: tuple[int, int]) -> None:
        self.faults: list[str] = []
        self._at = "the first page"
        self._rules: set[str] = set()
        self._size = size
        context = browser.new_context(offline=True, viewport={"width": size[0], "height": size[1]})
        self.page = context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.on("console", lambda said: self._fault(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self._fault(str(error)))
        self.page.goto(report.resolve().as_uri())
        self.page.wait_for_selector(MENU)
        self.page.wait_for_selector("#rulegraph canvas")
        self._settle()

    def _settle(self) -> None:
        """Switch animations off: what moves would be measured on its way."""
        self.page.add_style_tag(content="* { transition: none !important; animation: none !important; }")

    def _fault(self, text: str) -> None:
        self.faults.append(f"{self._size[0]} x {self._size[1]}, {self._at}: {text}")

    def look(self, at: str) -> bool:
        """Note what is wrong with what is shown now; whether anything is shown."""
        self._at = at
        self.page.wait_for_timeout(50)
        menu = self.page.locator(MENU)
        if not self._soon(lambda: menu.count() and menu.inner_text().strip()):
            self._fault("blank page")
            return False
        frame = self._framed()
        if not self._soon(lambda: self._shows_something(frame)):
            self._fault("nothing is shown")
        for document in filter(None, (self.page, frame)):
            for lost in document.evaluate(_UNREACHABLE, TOLERANCE):
                self._fault(f"out of reach: {lost}")
        return True

    def _soon(self, holds: Callable[[], object]) -> bool:
        """Whether something holds now or in a moment, which a busy machine needs to draw a page."""
        for _ in range(_MOMENTS):
            if holds():
                return True
            self.page.wait_for_timeout(100)
        return False

    def _shows_something(self, frame: Any) -> bool:
        shown = self.page.locator(SHOWN)
        text = frame.inner_text("body") if frame else shown.inner_text()
        pictures = shown.locator("img, canvas").all()
        return bool(text.strip()) or any((one.bounding_box() or {}).get("width") for one in pictures)

    def _framed(self) -> Any:
        """What stands in the frame of a page, if there is one."""
        frames = self.page.locator(f"{SHOWN} iframe")
        if not frames.count():
            return None
        frame = frames.element_handle().content_frame()
        frame.wait_for_selector("body")
        return frame

    def home(self) -> None:
        self.page.click(f"{MENU} nav a >> nth=0")

    def category(self, name: str) -> bool:
        """Open a category; whether it lists all of its results."""
        self.home()
        self.page.click(f"{MENU} li a:has(span:text-is({_quoted(name)}))")
        expected = self.page.evaluate("name => Object.values(categories[name]).flat().length", name)
        if not self.look(f"category {name!r}"):
            return False
        rows = self.page.locator(f"{MENU} tbody tr")
        if not self._soon(lambda: rows.count() == expected):
            self._fault(f"{rows.count()} of {expected} results are listed")
            return False
        return True

    def result(self, category: str, number: int) -> None:
        """Look at one result of a category, at what is said of it, and once at each rule."""
        row = self.page.locator(f"{MENU} tbody tr").nth(number)
        name = f"{category!r}, {row.locator('td').first.inner_text()!r}"
        view, about = row.locator("a").all()
        if view.get_attribute("download"):
            self._at = name
            self._fault("the eye downloads a file instead of showing it")
        else:
            view.click()
            self.look(name)
        about.click()
        self.look(f"about {name}")
        rule = self.page.locator(f"{MENU} li:has-text('Snakemake rule') + li")
        if (of := rule.inner_text()) not in self._rules:
            self._rules.add(of)
            rule.locator("a").click()
            self.look(f"rule {of}")
        self.page.click(f"{MENU} nav a:text-is({_quoted(category)})")

    def search(self) -> None:
        """A search for what every path holds lists every result."""
        self.home()
        self.page.fill(f"{MENU} input[type=text]", "results/")
        self.page.press(f"{MENU} input[type=text]", "Enter")
        if self.look("search"):
            rows = self.page.locator(f"{MENU} tbody tr")
            all_of = self.page.evaluate("Object.keys(results).length")
            if not self._soon(lambda: rows.count() == all_of):
                self._fault(f"{rows.count()} of {all_of} results are found")

    def everything(self) -> None:
        """Click every entry of the menu, every category and every result."""
        self.look("the first page")
        for name in ("Statistics", "Workflow"):
            self.page.click(f"{MENU} li a:has(span:text-is({_quoted(name)}))")
            self.page.wait_for_selector(f"{SHOWN} canvas")
            self.look(name)
        self.page.click(f"{MENU} li a:has(span:text-is('About'))")
        if self.look("About"):
            self.page.click(f"{MENU} li a:has-text('react')")
            self.look("a licence")
        for name in self.page.evaluate("Object.keys(categories)"):
            if not self.category(name):
                self.page.reload()
                self.page.wait_for_selector(MENU)
                self._settle()
                continue
            for number in range(self.page.locator(f"{MENU} tbody tr").count()):
                self.result(name, number)
        self.search()

    def figures(self) -> None:
        """Text of a figure that its own frame cuts off, in whatever window."""
        figures = self.page.evaluate(
            "Object.entries(results).filter(([_, one]) => one.mime_type === 'image/svg+xml')"
            ".map(([path, one]) => [path, one.data_uri])"
        )
        page = self.page.context.new_page()
        for path, uri in figures:
            self._at = path
            for text in cut_off(page, uri):
                self._fault(f"cut off by the figure: {text!r}")
        page.close()


def cut_off(page: Any, uri: str) -> list[str]:
    """Texts of an SVG that reach beyond its frame."""
    page.goto(uri)
    return page.evaluate(_TEXT_OUTSIDE_OF_A_FIGURE, TOLERANCE)


def overlaps(page: Any, uri: str) -> list[str]:
    """Pairs of level texts of an SVG that run into each other."""
    page.goto(uri)
    return page.evaluate(_TEXT_OVER_TEXT)


def faults_of(browser: Any, report: Path, sizes: Sequence[tuple[int, int]] = SIZES) -> list[str]:
    """What is wrong with a report in windows of some sizes (width, height, in pixels)."""
    faults = []
    for number, size in enumerate(sizes):
        walk = Walk(browser, report, size)
        walk.everything()
        if number == 0:
            walk.figures()
        walk.page.context.close()
        faults += walk.faults
    return faults


def _quoted(text: str) -> str:
    return "'" + re.sub(r"(['\\])", r"\\\1", text) + "'"
