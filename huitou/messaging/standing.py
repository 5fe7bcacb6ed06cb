"""What is known of customers at this moment, set-wise from PostgreSQL: what the governor judges by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from huitou.core.clock import day_start, local_day
from huitou.customers.models import Identifier, Person
from huitou.customers.queries import decided_consents
from huitou.experiments.queries import held_out
from huitou.messaging import sql
from huitou.messaging.buying import usual_sales_channels
from huitou.messaging.channel import Address, Channel, Quota, find_channel
from huitou.messaging.governor import Candidate, Climate, Standing, Way
from huitou.messaging.hours import week_start
from huitou.messaging.mailboxes import GONE, UNSAID
from huitou.messaging.models import ChannelAccount, PausedSource
from huitou.messaging.rendering import address_digest
from huitou.messaging.rules import Rules

_FATIGUE_DAYS, _RESPONSE_DAYS, _CLIMATE_DAYS = 365, 180, 7


@dataclass(frozen=True)
class Account:
    """An account with its channel and the way that leads through it."""

    row: ChannelAccount
    channel: Channel
    way: Way


def load_accounts(rules: Rules, now: datetime) -> dict[int, Account]:
    """Every account whose channel is installed, by id."""
    found = {}
    for row in ChannelAccount.objects.order_by("pk"):
        channel = find_channel(row.kind)
        if channel is not None:
            found[row.pk] = Account(row, channel, _way(row, channel, rules, now))
    return found


def _way(row: ChannelAccount, channel: Channel, rules: Rules, now: datetime) -> Way:
    today = local_day(now, ZoneInfo(channel.provider_zone))
    quotas = list(channel.quotas(row.settings, today))
    if row.per_minute:
        quotas.append(Quota("per_minute", row.per_minute, "minute", "account"))
    return Way(
        account_id=row.pk,
        kind=row.kind,
        name=row.name,
        consent=channel.consent_of(row.settings),
        identifier_kinds=channel.identifier_kinds,
        namespace=row.settings.get(channel.namespace_setting, "") if channel.namespace_setting else "",
        kept_elsewhere=channel.is_kept_elsewhere(row.settings),
        quiet=rules.quiet_of(channel),
        quotas=tuple(quotas),
        is_active=row.state == "active" and (row.next_at is None or row.next_at <= now),
        by_hand=channel.by_hand,
        reports_reads=channel.reports_reads,
    )


def ways_of(named: Sequence[str], accounts: Mapping[int, Account]) -> tuple[Way, ...]:
    """The accounts that a touch names, in its order: `kind/name` is that one, a kind alone its first that sends."""
    found = []
    for each in named:
        kind, _slash, name = each.partition("/")
        fitting = [a.way for a in accounts.values() if a.row.kind == kind and name in ("", a.row.name)]
        fitting.sort(key=lambda way: (not way.is_active, way.account_id))
        found += fitting[:1]
    return tuple(found)


def paused_sources(sources: Iterable[str]) -> frozenset[str]:
    """Of these sources those of which nothing goes out for now."""
    return frozenset(PausedSource.objects.filter(source__in=sorted(sources)).values_list("source", flat=True))


def load_climate(accounts: Mapping[int, Account], now: datetime) -> Climate:
    """What holds for everybody at `now`."""
    used = {}
    with connection.cursor() as cursor:
        cursor.execute(sql.CLIMATE, {"since": now - timedelta(days=_CLIMATE_DAYS), "now": now})
        contacts, opt_outs = cursor.fetchone()
        for account in accounts.values():
            for quota in account.way.quotas:
                if quota.per == "account":
                    since = quota_since(quota, now, ZoneInfo(account.channel.provider_zone))
                    cursor.execute(sql.ACCOUNT_QUOTA, {"account": account.row.pk, "since": since})
                    used[account.row.pk, quota.code] = int(cursor.fetchone()[0])
    return Climate(contacts=int(contacts), opt_outs=int(opt_outs), account_used=used)


def quota_since(quota: Quota, now: datetime, zone: ZoneInfo) -> datetime:
    """From when on messages count towards a quota at `now`."""
    today = local_day(now, zone)
    if quota.period == "minute":
        return now - timedelta(minutes=1)
    if quota.period == "hour":
        return now - timedelta(hours=1)
    first: date = {"day": today, "week": week_start(today), "month": today.replace(day=1)}[quota.period]
    return day_start(first, zone)


def load_standings(
    members: Mapping[int, Sequence[int]], candidates: Sequence[Candidate], rules: Rules, now: datetime
) -> dict[int, Standing]:
    """What is known at `now` of every customer in `members` (customer to all its persons)."""
    persons = [person for together in members.values() for person in together]
    alive = dict(Person.objects.filter(pk__in=persons).values_list("pk", "erased_at"))
    subjects = {(way.consent, c.purpose) for c in candidates for way in c.ways}
    decided: dict[int, dict[tuple[str, str], bool]] = {}
    for (customer, channel, purpose), granted in decided_consents(members, subjects, now).items():
        decided.setdefault(customer, {})[channel, purpose] = granted
    held = held_out(list(members), now)
    addresses = _addresses(members, {kind for c in candidates for way in c.ways for kind in way.identifier_kinds})
    dead_kinds = _drop_dead(addresses, members)
    standings = {
        customer: Standing(
            known=customer in alive,
            erased=all(alive.get(person) is not None for person in together),
            addresses=addresses.get(customer, {}),
            dead_kinds=frozenset(dead_kinds.get(customer, ())),
            consents=frozenset(asked for asked, granted in decided.get(customer, {}).items() if granted),
            withdrawn=frozenset(asked for asked, granted in decided.get(customer, {}).items() if not granted),
            held_out=customer in held,
        )
        for customer, together in members.items()
    }
    _count(standings, members, candidates, rules, now)
    return standings


def _addresses(members: Mapping[int, Sequence[int]], kinds: Iterable[str]) -> dict[int, dict[str, list[Address]]]:
    """By customer and kind: what reaches it. Of several the canonical person's come first, then the oldest."""
    customer_by_person = {person: customer for customer, persons in members.items() for person in persons}
    rows = Identifier.objects.filter(person_id__in=customer_by_person, kind__in=sorted(kinds), stopped_at=None)
    found: dict[int, dict[str, list[Address]]] = {}
    for person, kind, namespace, value in rows.order_by("person_id", "pk").values_list(
        "person_id", "kind", "namespace", "value"
    ):
        of_customer = found.setdefault(customer_by_person[person], {})
        of_customer.setdefault(kind, []).append(Address(kind, namespace, value))
    return found


def _drop_dead(
    addresses: Mapping[int, dict[str, list[Address]]], members: Mapping[int, Sequence[int]]
) -> dict[int, set[str]]:
    """Take out mailboxes that are gone for good; by customer the kinds of which nothing is left."""
    asked = [(c, p) for c, persons in members.items() if addresses.get(c, {}).get("email") for p in persons]
    if not asked:
        return {}
    given = {"customers": [c for c, _p in asked], "persons": [p for _c, p in asked], "gone": GONE, "unsaid": UNSAID}
    dead = {(customer, digest) for customer, digest in run(sql.DEAD_MAILBOXES, given)}
    gone: dict[int, set[str]] = {}
    for customer in {customer for customer, _digest in dead}:
        known = addresses[customer]["email"]
        known[:] = [address for address in known if (customer, address_digest(address)) not in dead]
        if not known:
            gone.setdefault(customer, set()).add("email")
    return gone


def _count(
    standings: Mapping[int, Standing],
    members: Mapping[int, Sequence[int]],
    candidates: Sequence[Candidate],
    rules: Rules,
    now: datetime,
) -> None:
    """Fill in what was counted: places taken, the same content, quotas, responses."""
    pairs = [(customer, person) for customer, persons in members.items() for person in persons]
    given: dict[str, Any] = {"customers": [c for c, _p in pairs], "persons": [p for _c, p in pairs]}
    today = local_day(now, rules.zone)
    for customer, period, used, _last in run(sql.SLOTS_USED, given | {"day": today, "week": week_start(today)}):
        setattr(standings[customer], f"{period}_used", used)
    hashes = sorted({c.content_hash for c in candidates})
    since = now - timedelta(days=rules.duplicate_days + 1)
    for customer, content, at in run(sql.SAME_CONTENT, given | {"hashes": hashes, "since": since}):
        standings[customer].same_at[content] = at
    ways = {way.account_id: way for c in candidates for way in c.ways}
    for way in ways.values():
        channel = find_channel(way.kind)
        assert channel is not None, "a way leads through an installed channel"
        for quota in way.quotas:
            if quota.per == "customer":
                window = quota_since(quota, now, ZoneInfo(channel.provider_zone))
                for customer, used in run(sql.CUSTOMER_QUOTA, given | {"account": way.account_id, "since": window}):
                    standings[customer].quota_used[way.account_id, quota.code] = used
    for customer, unanswered, last in run(
        sql.UNANSWERED, given | {"since": now - timedelta(days=_FATIGUE_DAYS), "now": now}
    ):
        standings[customer].unanswered, standings[customer].last_contact_at = unanswered, last
    if any(len(c.ways) > 1 and not c.keeps_order for c in candidates):
        responses: dict[int, dict[str, tuple[int, int]]] = {}
        for customer, kind, contacts, answered in run(
            sql.RESPONSES, given | {"since": now - timedelta(days=_RESPONSE_DAYS), "now": now}
        ):
            responses.setdefault(customer, {})[kind] = (contacts, answered)
        for customer, told in responses.items():
            standings[customer].responses = told
        if rules.home:
            for customer, code in usual_sales_channels(members, now).items():
                standings[customer].bought_in = code


def run(statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of one statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
