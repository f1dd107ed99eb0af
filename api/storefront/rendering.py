"""Templates to pages. All catalogue text is hostile: it is escaped, and only http(s) links and images are shown.

The environment is our own and not the app's, so that a host's filters, delimiters and `base.html` don't reach us.
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
_SIGNS = {"GBP": "£", "USD": "$", "EUR": "€", "JPY": "¥", "INR": "₹", "KRW": "₩", "PLN": "zł"}
_AFTER = {"PLN"}  # the sign stands behind the number
_WITHOUT_CENTS = {"JPY", "KRW"}


def to_page(template: str, context: Mapping[str, Any], status: int = 200) -> Response:
    """The page, with headers that let it load nothing but our own script and style, and images."""
    response = Response(_environment.get_template(template).render(context), status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = CSP
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def link(endpoint: str, **values: Any) -> str:
    """The address of an endpoint of the door that this request came through, whatever its name and prefix."""
    return url_for(f"{request.blueprints[-1]}.{endpoint}", **values)


def price(item: Mapping[str, Any]) -> str:
    """`£2.55`; nothing where there is no price, the code after the number where we know no sign."""
    amount, currency = item.get("price"), (item.get("currency") or "").upper()
    if amount is None:
        return ""
    number = f"{amount:,.{0 if currency in _WITHOUT_CENTS else 2}f}" if amount < 1e12 else f"{amount:g}"
    sign = _SIGNS.get(currency, currency)
    return f"{sign}{number}" if currency in _SIGNS and currency not in _AFTER else f"{number} {sign}".strip()


def web_url(value: object) -> str:
    """The address if it is one of the web, else nothing: `javascript:` and `data:` are never rendered."""
    text = value.strip() if isinstance(value, str) else ""
    return text if text.lower().startswith(("http://", "https://")) else ""


def plain(value: object) -> str:
    """An attribute's value as a line of text."""
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
