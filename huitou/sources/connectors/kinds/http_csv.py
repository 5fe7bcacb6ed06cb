"""A file at an https address, fetched when it has changed: the way in from every ERP that has a link to an export."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.core.errors import DomainError
from huitou.sources.canonical import KINDS
from huitou.sources.connectors.connector import CHOICE, Connector, Page, Pull, Setting
from huitou.sources.connectors.trouble import PullError
from huitou.sources.importing.encoding import NO_TEXT
from huitou.sources.importing.options import ImportOptions, list_presets, read_preset

_PARQUET = b"PAR1"
_TROUBLE = {401: "credentials_refused", 403: "credentials_refused", 404: "not_found", 410: "not_found"}


class UrlInvalidError(DomainError):
    """The address is no https address, or holds a name and a password."""

    code = "url_invalid"
    status = 422


def check(settings: Mapping[str, str]) -> None:
    """Raises UrlInvalidError."""
    try:
        parts = urlsplit(settings["url"])
        usable = parts.scheme == "https" and bool(parts.hostname) and not parts.username and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise UrlInvalidError(_("Give an address that begins with https:// and holds no name and password."))


def pull(asked: Pull) -> Iterator[Page]:
    """The file, unless it is the one that came last."""
    settings, cursor = asked.settings, dict(asked.cursor)
    headers = {"Accept": "text/csv, application/vnd.apache.parquet, */*;q=0.1"}
    if settings.get("token"):
        headers["Authorization"] = f"Bearer {settings['token']}"
    for header, name in (("If-None-Match", "etag"), ("If-Modified-Since", "last_modified")):
        if cursor.get(name):
            headers[header] = str(cursor[name])
    target = asked.folder / "download"
    answer = asked.http.download(settings["url"], target, headers=headers)
    if answer.status == 304:
        yield Page(cursor=cursor)
        return
    if answer.status != 200:
        raise PullError(_trouble(answer.status), str(answer.status))
    told = {"etag": answer.headers.get("etag", ""), "last_modified": answer.headers.get("last-modified", "")}
    file = target.rename(target.with_suffix(_suffix(target)))
    yield Page(file=file, file_name=_name(settings["url"]), cursor={n: v for n, v in told.items() if v})


def _trouble(status: int) -> str:
    if status in _TROUBLE:
        return _TROUBLE[status]
    return "rate_limited" if status == 429 else "outside_error" if status >= 500 else "request_refused"


def _suffix(file: Path) -> str:
    """By what is in it: an address may be called anything. Raises PullError for what is neither text nor Parquet."""
    with file.open("rb") as opened:
        head = opened.read(4096)
    if head.startswith(_PARQUET):
        return ".parquet"
    if not head.strip() or head.startswith(NO_TEXT) or head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"{")):
        raise PullError("not_a_table")
    return ".csv"


def _name(url: str) -> str:
    """What the file is called in lists: never its query, in which there may be a key."""
    return re.sub(r"[^\w.()（）\- ]", "_", unquote(urlsplit(url).path).rsplit("/", 1)[-1])[:80] or "export"


def _reads(settings: Mapping[str, str]) -> tuple[str, ImportOptions]:
    preset = settings.get("preset", "")
    return settings["content"], read_preset(preset) if preset else ImportOptions()


def _place(settings: Mapping[str, str]) -> str:
    parts = urlsplit(settings.get("url", ""))
    return f"{parts.hostname or ''}{parts.path}"


def _contents() -> list[tuple[str, str]]:
    words = {"orders": _("Order data"), "customers": _("Customer data"), "products": _("Product data")}
    return [(kind, words[kind]) for kind in KINDS]


def _presets() -> list[tuple[str, str]]:
    return [("", _("recognize the columns")), *((name, name) for name in list_presets())]


def _from_anew(_at: datetime) -> dict[str, Any]:
    return {}


CONNECTOR = Connector(
    kind="http_csv",
    label=gettext_lazy("File at an address"),
    doc=gettext_lazy(
        "A CSV or Parquet file behind an https link, for example an ERP's export; fetched when it changes."
    ),
    settings=(
        Setting(
            "url",
            gettext_lazy("Address"),
            gettext_lazy("Begins with https://. Kept like a password, as such links often hold a key."),
            is_secret=True,
        ),
        Setting(
            "token",
            gettext_lazy("Bearer token"),
            gettext_lazy("Only if the system asks for one."),
            is_secret=True,
            required=False,
        ),
        Setting("content", gettext_lazy("What is in it"), form=CHOICE, choices=_contents, default="orders"),
        Setting("preset", gettext_lazy("Ready mapping"), form=CHOICE, choices=_presets, required=False),
    ),
    pull=pull,
    reads=_reads,
    place=_place,
    restart=_from_anew,
    check=check,
    # Whoever chooses an address makes this server call it.
    permission="settings.write",
)
