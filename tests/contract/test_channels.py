"""Every registered channel keeps the contract: words in both languages, settings that return, a page, its fixtures."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

import huitou.messaging.channels
from huitou.core.clock import FixedClock, SystemClock
from huitou.customers.identifier_kind import IDENTIFIER_KINDS
from huitou.messaging.channel import (
    CHANNELS,
    PERIODS,
    STATUSES,
    CallbackRequest,
    CallbackResult,
    Channel,
    Config,
    find_channel,
)

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(huitou.messaging.channels.__path__[0])
KINDS = sorted(CHANNELS.kinds())
FIXTURES = sorted(FOLDER.glob("*/fixtures/*.json"))
# What an adapter may not know: our tables, our services, and the other channels.
FORBIDDEN = ("django.db", "huitou.messaging.models", "huitou.messaging.services", "psycopg", "procrastinate")
FORMS = {"text", "choice", "day", "money"}


@pytest.fixture(params=KINDS)
def channel(request: pytest.FixtureRequest) -> Channel:
    return CHANNELS[request.param]


def modules(kind: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((FOLDER / kind).rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_the_channels_that_brands_use_are_there() -> None:
    assert {"console_log", "email", "sms_aliyun", "webhook", "wecom"} <= set(KINDS)
    assert find_channel("pigeon") is None


def test_a_channel_is_a_pure_adapter(channel: Channel) -> None:
    """No tables, no services, no other channel: deleting a folder deletes the channel and breaks nothing."""
    for path, tree in modules(channel.kind):
        for name in imported(tree):
            assert not name.startswith(FORBIDDEN), f"{path}: {name}"
            if name.startswith("huitou.messaging.channels."):
                assert name.split(".")[3] == channel.kind, f"{path} knows {name}"


def test_words_are_there_in_both_languages(channel: Channel) -> None:
    assert channel.term_zh
    assert channel.icon
    words = [channel.label, *(one for s in channel.settings for one in (s.label, s.hint) if one)]
    for language in ("en", "zh-hans"):
        with translation.override(language):
            assert all(str(word).strip() for word in words)
    for word in words:
        with translation.override("en"):
            english = str(word)
        with translation.override("zh-hans"):
            chinese = str(word)
        is_name = not hasattr(word, "_proxy____args") and english == chinese
        assert is_name or chinese != english, f"no Chinese for {english!r}"


def test_settings_have_a_shape_that_a_form_can_draw(channel: Channel) -> None:
    names = [setting.name for setting in channel.settings]
    assert len(names) == len(set(names))
    for setting in channel.settings:
        assert setting.name.isidentifier()
        assert setting.form in FORMS
        assert not (setting.is_secret and setting.default), f"{setting.name}: a secret has no default"
        if setting.form == "choice":
            codes = [code for code, _label in setting.choices()]
            assert len(codes) == len(set(codes)) >= 2
            assert setting.default in codes
    assert channel.secrets <= set(names)
    assert not channel.consent_setting or channel.consent_setting in names


def test_settings_come_back_as_they_went(channel: Channel) -> None:
    """They are kept as text in JSON; the account asks for consent by what was set."""
    told = {setting.name: setting.default or f"值 {setting.name}" for setting in channel.settings}
    again = json.loads(json.dumps(told, ensure_ascii=False))
    assert again == told
    assert channel.consent_of(again)
    if channel.consent_setting:
        assert channel.consent_of({channel.consent_setting: "wecom"}) == "wecom"
        assert channel.consent_of({}) == channel.consent_channel


def test_identifiers_quotas_and_hours_are_ones_that_the_governor_knows(channel: Channel) -> None:
    assert channel.identifier_kinds
    assert set(channel.identifier_kinds) <= {kind.kind for kind in IDENTIFIER_KINDS}
    assert 1 <= channel.batch_size <= 10_000
    for quota in channel.quotas({s.name: s.default for s in channel.settings}, date(2026, 2, 28)):
        assert quota.period in PERIODS
        assert quota.per in {"customer", "account"}
        assert quota.limit >= 1
    for hours in (channel.quiet_hours, channel.provider_hours):
        assert hours is None or hours[0] != hours[1]


def test_the_price_is_a_whole_number_of_the_smallest_unit(channel: Channel) -> None:
    cost = channel.cost_minor({s.name: s.default for s in channel.settings}, 3)
    assert isinstance(cost, int)
    assert cost >= 0


def test_the_page_tells_every_setting(channel: Channel) -> None:
    page = ROOT / f"docs/reference/channels/{channel.kind}.md"
    assert page.exists(), f"write {page.relative_to(ROOT)}"
    text = page.read_text(encoding="utf-8")
    assert channel.term_zh in text
    for setting in channel.settings:
        assert f"`{setting.name}`" in text
        assert not setting.default or f"`{setting.default}`" in text, f"{setting.name}: say its default"


def test_channels_that_hear_from_a_provider_have_fixtures(channel: Channel) -> None:
    found = [path for path in FIXTURES if path.parent.parent.name == channel.kind]
    assert bool(found) == (channel.read_callback is not None)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_a_kept_callback_means_what_it_meant(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded requests with recorded results: an adapter that reads them otherwise has changed its meaning."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    channel = CHANNELS[path.parent.parent.name]
    assert channel.read_callback is not None
    clock = FixedClock(datetime.fromisoformat(kept["at"]))
    monkeypatch.setattr(SystemClock, "now", lambda _self: clock.instant)
    asked = kept["request"]
    request = CallbackRequest(asked["method"], asked["headers"], asked["query"], asked["body"].encode())
    config = Config(1, "kept", kept["settings"])
    assert plain(channel.read_callback(config, request, clock)) == kept["result"]
    if asked["headers"] == asked["query"] == {}:
        # This provider proves nothing but that it knows the address, which nobody else does.
        return
    unsigned = CallbackRequest(request.method, {}, {}, request.body)
    assert channel.read_callback(config, unsigned, clock).status == 403, "without proof nothing is believed"
    nothing = CallbackRequest("POST", {}, {}, b"")
    assert channel.read_callback(Config(1, "empty", {}), nothing, clock).status == 403


def plain(result: CallbackResult) -> dict[str, Any]:
    """A result as JSON; what says nothing is left out."""
    told: dict[str, Any] = {"status": result.status}
    assert all(receipt.status in STATUSES for receipt in result.receipts)
    for name in ("receipts", "events", "replies"):
        if rows := getattr(result, name):
            told[name] = [_row(row) for row in rows]
    found: dict[str, Any] = json.loads(json.dumps(told))
    return found


def _row(row: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in fields(row):
        value = getattr(row, each.name)
        if isinstance(value, datetime):
            value = value.isoformat()
        elif hasattr(value, "namespace"):
            value = [value.kind, value.namespace, value.value]
        elif hasattr(value, "items"):
            value = dict(value)
        elif isinstance(value, tuple):
            value = [list(pair) for pair in value]
        if value not in ("", None, {}, []):
            found[each.name] = value
    return found
