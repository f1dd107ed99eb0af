"""Takes the pictures beside this file from a running storefront: `python make.py http://127.0.0.1:8000/ [CUSTOMER]`.

Needs Chromium and `pip install playwright`. System fonts show: the pictures in the repo were taken with Inter and
TeX Gyre Pagella installed.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

SIZES = {1280: 900, 390: 844}
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def main(address: str, customer: str = "17841") -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGS)
        for width in SIZES:
            shoot(browser, address, customer, width)
        browser.close()


def shoot(browser: Browser, address: str, customer: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": SIZES[width]}, device_scale_factor=2 - (width > 1000))
    folder = Path(__file__).parent
    page.goto(address)
    page.locator(".shopper summary").click()
    page.locator("#user").fill(customer)
    page.get_by_role("button", name="Switch").click()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=folder / f"home-{width}.png")
    page.locator("#q").press_sequentially("hanging lantern", delay=30)
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=hanging*")
    page.screenshot(path=folder / f"search-{width}.png")
    page.locator("a.card").first.click()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=folder / f"item-{width}.png")
    page.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
