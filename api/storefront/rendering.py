"""Render templates. All catalogue text is hostile: it is escaped, and only http(s) links and images are shown.

The Jinja environment is our own and not the app's, so that a host's filters, delimiters and `base.html` stay out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Response, request, url_for
from jinja2 import Environment, FileSystemLoader

__all__ = ["CSP", "link", "price", "to_page", "web_url"]

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' http: https:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_CURRENCY_SIGNS = {"GBP": "£", "USD": "$", "EUR": "€", "JPY": "¥", "INR": "₹", "KRW": "₩", "PLN": "zł"}
_SIGN_AFTER = {"PLN"}  # the sign follows the number
_WITHOUT_CENTS = {"JPY", "KRW"}


def to_page(template: str, context: Mapping[str, Any], status: int = 200) -> Response:
    """Return a rendered page; its headers let it load our own script and style, images, and nothing else."""
    response = Response(_environment.get_template(template).render(context), status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = CSP
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def link(endpoint: str, **values: Any) -> str:
    """Return the address of an endpoint of the blueprint that serves this request, whatever its name and prefix."""
    return url_for(f"{request.blueprints[-1]}.{endpoint}", **values)


def price(item: Mapping[str, Any]) -> str:
    """Return `£2.55`; a code without a known sign follows the number, and an item without a price gives nothing."""
    amount, currency = item.get("price"), (item.get("currency") or "").upper()
    if amount is None:
        return ""
    number = f"{amount:,.{0 if currency in _WITHOUT_CENTS else 2}f}" if amount < 1e12 else f"{amount:g}"
    sign = _CURRENCY_SIGNS.get(currency, currency)
    return f"{sign}{number}" if currency in _CURRENCY_SIGNS.keys() - _SIGN_AFTER else f"{number} {sign}".strip()


def web_url(value: object) -> str:
    """Return an http(s) address as it is, else nothing: `javascript:` and `data:` are never rendered."""
    text = value.strip() if isinstance(value, str) else ""
    return text if text.lower().startswith(("http://", "https://")) else ""


def plain(value: object) -> str:
    """Return an attribute's value as a line of text."""
    if isinstance(value, list) and not any(isinstance(part, list | dict) for part in value):
        return ", ".join(plain(part) for part in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(price=price, web_url=web_url, plain=plain)
_environment.globals.update(link=link)
