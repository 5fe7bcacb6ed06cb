"""One customer as the register knows it, in words for people: identifiers, joins, consent, milestones, origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from huitou.accounts.audit import process_name
from huitou.accounts.queries import find_brand
from huitou.console.formats import format_instant, mask_name, mask_phone
from huitou.core.clock import Clock
from huitou.customers.attributes import attribute_label, attribute_value_label, masked_value
from huitou.customers.identifier_kind import IDENTIFIER_KINDS, show_identifier
from huitou.customers.labels import customer_labels
from huitou.customers.milestone_kinds import MILESTONE_KINDS, find_milestone, milestone_text
from huitou.customers.models import Acquisition, Identifier, Merge, Milestone, Person, ReviewCase
from huitou.customers.normalizing import fold, read_phone
from huitou.customers.queries import customers_of, members_of
from huitou.customers.sql import told as sql

# Ways of contact that the console offers for consent; connected systems may tell others.
CONSENT_CHANNELS = ("sms", "phone", "email", "wecom", "wechat", "app", "push")


@dataclass(frozen=True)
class ShownIdentifier:
    """One identifier; `value` is masked unless asked for whole. `stopped`: it is on too many accounts to join."""

    person: int
    kind: str
    label: str
    namespace: str
    value: str
    first_seen_at: datetime | None
    first_source: str
    stopped: bool


@dataclass(frozen=True)
class ShownMerge:
    """One join: what said so, in a sentence; `active` until it is undone."""

    id: int
    persons: tuple[int, int]
    sentence: str
    at: datetime
    active: bool
    ended: str


@dataclass(frozen=True)
class ShownConsent:
    """Whether contact is agreed to by one channel for one purpose, as `may_contact` answers, and by which decision."""

    channel: str
    purpose: str
    granted: bool
    at: datetime
    source: str
    text_version: str


@dataclass(frozen=True)
class ShownMilestone:
    """The latest value of one milestone, and how many values were told."""

    kind: str
    label: str
    value: str
    at: datetime
    told: int


@dataclass(frozen=True)
class Portrait:
    """Everything that the register knows of one customer; `personal` says which parts are masked for most eyes."""

    customer: int
    persons: tuple[int, ...]
    label: str
    names: tuple[str, ...]
    phones: tuple[str, ...]
    known_since: datetime | None
    erased_at: datetime | None
    identifiers: tuple[ShownIdentifier, ...]
    attributes: tuple[tuple[str, str], ...]
    merges: tuple[ShownMerge, ...]
    consents: tuple[ShownConsent, ...]
    milestones: tuple[ShownMilestone, ...]
    acquisition: Mapping[str, Any] | None
    cases: int
    personal: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values; instants as they are."""
        return asdict(self)


def find_portrait(person_id: int, *, clock: Clock, whole: bool = False) -> Portrait | None:
    """The customer that the person belongs to; names and identifiers are masked unless `whole`. None for nobody."""
    customer = customers_of([person_id])[person_id]
    members = members_of([customer])[customer]
    persons = list(Person.objects.filter(pk__in=members).order_by("pk"))
    if not persons:
        return None
    names = dict.fromkeys(p.display_name for p in persons if p.display_name)
    # The same phone in two spellings is one.
    phones = list({read_phone(p.phone) or p.phone: p.phone for p in persons if p.phone}.values())
    both = Q(person_a__in=members) | Q(person_b__in=members)
    identifiers, masked_identifiers = _identifiers(members)
    known = {fold(i.value).casefold(): i.kind for i in identifiers}
    attributes, masked_attributes = _attributes(persons, known)
    milestones, masked_milestones = _milestones(members)
    masked = {
        "names": tuple(map(mask_name, names)) != tuple(names),
        "phones": tuple(map(mask_phone, phones)) != tuple(phones),
        "identifiers": masked_identifiers != identifiers,
        "attributes": masked_attributes != attributes,
        "milestones": masked_milestones != milestones,
    }
    return Portrait(
        customer=customer,
        persons=tuple(p.pk for p in persons),
        label=customer_labels([customer]).get(customer, f"#{customer}"),
        names=tuple(names if whole else map(mask_name, names)),
        phones=tuple(phones if whole else map(mask_phone, phones)),
        known_since=min((p.known_since for p in persons if p.known_since), default=None),
        erased_at=max((p.erased_at for p in persons if p.erased_at), default=None),
        identifiers=identifiers if whole else masked_identifiers,
        attributes=attributes if whole else masked_attributes,
        merges=_merges(members, whole),
        consents=_consents(members, clock.now()),
        milestones=milestones if whole else masked_milestones,
        acquisition=_acquisition(members),
        cases=ReviewCase.objects.filter(both, resolved_at=None).count(),
        personal=tuple(part for part, differs in masked.items() if differs),
    )


def _identifiers(members: Sequence[int]) -> tuple[tuple[ShownIdentifier, ...], tuple[ShownIdentifier, ...]]:
    """Whole, and masked."""
    rows = Identifier.objects.filter(person_id__in=members)
    known = {kind.kind: kind for kind in IDENTIFIER_KINDS}
    strongest = sorted(rows, key=lambda i: (-known[i.kind].strength if i.kind in known else 0, i.namespace, i.value))
    whole = tuple(
        ShownIdentifier(
            person=i.person_id,
            kind=i.kind,
            label=kind_label(i.kind),
            namespace=i.namespace,
            value=i.value,
            first_seen_at=i.first_seen_at,
            first_source=i.first_source,
            stopped=i.stopped_at is not None,
        )
        for i in strongest
    )
    return whole, tuple(replace(i, value=show_identifier(i.kind, i.value)) for i in whole)


def kind_label(kind: str) -> str:
    """What people call a kind of identifiers."""
    return str(IDENTIFIER_KINDS[kind].label) if kind in IDENTIFIER_KINDS else kind


def _attributes(
    persons: Sequence[Person], identifiers: Mapping[str, str]
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Of several persons' values the one told last: whole, and masked."""
    latest: dict[str, tuple[int, object]] = {}
    for person in persons:
        for name, value in person.attributes.items():
            at = int(person.told_at.get(name, 0))
            if find_milestone(name) is None and at >= latest.get(name, (0, ""))[0]:
                latest[name] = at, value
    told = [(name, value) for name, (_at, value) in sorted(latest.items())]
    masked = [(name, masked_value(name, value, identifiers)) for name, value in told]
    return _in_words(told), _in_words(masked)


def _in_words(attributes: Sequence[tuple[str, object]]) -> tuple[tuple[str, str], ...]:
    return tuple((attribute_label(name), attribute_value_label(str(value))) for name, value in attributes)


def _merges(members: Sequence[int], whole: bool) -> tuple[ShownMerge, ...]:
    rows = Merge.objects.filter(Q(person_a__in=members) | Q(person_b__in=members))
    rows = rows.select_related("identifier", "actor", "ended_by").order_by("-at", "-pk")
    return tuple(
        ShownMerge(
            id=m.pk,
            persons=(m.person_a_id, m.person_b_id),
            sentence=explain_merge(m, whole=whole),
            at=m.at,
            active=m.ended_at is None,
            ended=_ending(m),
        )
        for m in rows
    )


def explain_merge(merge: Merge, *, whole: bool = False) -> str:
    """Why two persons are one customer, in a sentence; the identifier is masked unless `whole`."""
    words: dict[str, object] = {"a": merge.person_a_id, "b": merge.person_b_id}
    if merge.rule == "manual":
        who = merge.actor.get_username() if merge.actor else process_name(merge.actor_label)
        if merge.note:
            return _("%(who)s joined #%(a)s and #%(b)s: %(note)s") % {**words, "who": who, "note": merge.note}
        return _("%(who)s joined #%(a)s and #%(b)s by hand") % {**words, "who": who}
    return _("#%(a)s and #%(b)s share %(evidence)s") % {
        **words,
        "evidence": tell_evidence(merge.rule, merge.identifier, merge.source, merge.seen_at, whole=whole),
    }


def tell_evidence(
    kind: str, identifier: Identifier | None, source: str, seen_at: datetime | None, *, whole: bool = False
) -> str:
    """An identifier and the fact that showed it: phone 139****5670 (shop, 2024-05-01 10:00)."""
    if identifier is None:
        value = _("erased")
    else:
        value = identifier.value if whole else show_identifier(identifier.kind, identifier.value)
    where = ", ".join(part for part in (source, format_instant(seen_at, brand_zone()) if seen_at else "") if part)
    told = {"kind": kind_label(kind), "value": value, "where": where}
    return _("%(kind)s %(value)s (%(where)s)") % told if where else _("%(kind)s %(value)s") % told


def brand_zone() -> ZoneInfo:
    """The zone that instants are told in."""
    brand = find_brand()
    return brand.tz if brand else ZoneInfo("Asia/Shanghai")


def _ending(merge: Merge) -> str:
    if merge.ended_at is None:
        return ""
    at = format_instant(merge.ended_at, brand_zone())
    if merge.end_reason == "stopped":
        return _("came apart on %(at)s: the identifier is on too many accounts") % {"at": at}
    who = merge.ended_by.get_username() if merge.ended_by else process_name(merge.ended_label)
    return _("undone by %(who)s on %(at)s") % {"who": who, "at": at}


def _consents(members: Sequence[int], now: datetime) -> tuple[ShownConsent, ...]:
    """What holds at `now`, by the rule of `may_contact`, for each channel and purpose that was decided about."""
    with connection.cursor() as cursor:
        cursor.execute(sql.STANDING_CONSENTS, {"persons": list(members), "now": now})
        return tuple(ShownConsent(*row) for row in cursor.fetchall())


def _milestones(members: Sequence[int]) -> tuple[tuple[ShownMilestone, ...], tuple[ShownMilestone, ...]]:
    """The latest of each kind: whole, and of a date the month only, for the day would help to tell who it is."""
    latest: dict[str, Milestone] = {}
    told: dict[str, int] = {}
    for m in Milestone.objects.filter(person_id__in=members).order_by("at", "value"):
        latest[m.kind] = m
        told[m.kind] = told.get(m.kind, 0) + 1
    shown = [(MILESTONE_KINDS[kind], m) for kind, m in latest.items() if kind in MILESTONE_KINDS]
    whole, masked = [], []
    for kind, m in shown:
        text = milestone_text(kind.kind, m.value)
        whole.append(ShownMilestone(kind.kind, str(kind.label), text, m.at, told[kind.kind]))
        masked.append(replace(whole[-1], value=m.value[:7] if kind.form == "date" else text))
    return tuple(whole), tuple(masked)


def _acquisition(members: Sequence[int]) -> Mapping[str, Any] | None:
    first = Acquisition.objects.filter(person_id__in=members).order_by("at", "kind", "code").first()
    if first is None:
        return None
    return {
        "kind": first.kind,
        "label": acquisition_words().get(first.kind, first.kind),
        "code": first.code,
        "campaign": first.campaign,
        "inviter": first.inviter_id,
        "at": first.at,
    }


def acquisition_words() -> dict[str, str]:
    """What can bring somebody here, by code."""
    return {
        "entry_code": _("Entry code"),
        "ad": _("Advertisement"),
        "card": _("Card in a parcel"),
        "kol": _("Influencer"),
        "inviter": _("Another customer"),
        "store": _("Store"),
        "other": _("Other"),
    }


def consent_words() -> dict[str, str]:
    """Channels and purposes in the reader's language, by code; others are shown as they are."""
    return {
        "*": _("everything"),
        "sms": _("Text message"),
        "email": _("E-mail"),
        "phone": _("Phone call"),
        "wecom": _("WeCom"),
        "wechat": _("WeChat"),
        "app": _("App"),
        "push": _("Push message"),
        "marketing": _("Marketing"),
        "service": _("Service"),
        "profiling": _("Personal analysis"),
    }


def portrait_lines(portrait: Portrait) -> list[str]:
    """The customer in lines of text."""
    zone = brand_zone()
    words = consent_words()
    lines = [_("Customer #%(id)s: %(label)s") % {"id": portrait.customer, "label": portrait.label}]
    if portrait.erased_at:
        lines.append(_("erased on %(at)s") % {"at": format_instant(portrait.erased_at, zone)})
    lines += [f"  {name}" for name in (*portrait.names, *portrait.phones)]
    for i in portrait.identifiers:
        place = f" ({i.namespace})" if i.namespace else ""
        seen = f"{format_instant(i.first_seen_at, zone)} {i.first_source}".strip()
        lines.append(f"  #{i.person}  {i.label}{place}  {i.value}  {seen}".rstrip())
    lines += [f"  {m.label}: {m.value}" for m in portrait.milestones]
    lines += [f"  {name}: {value}" for name, value in portrait.attributes]
    for c in portrait.consents:
        state = _("Given") if c.granted else _("Withdrawn")
        channel, purpose = words.get(c.channel, c.channel), words.get(c.purpose, c.purpose)
        lines.append(f"  {channel} · {purpose}: {state} {format_instant(c.at, zone)} {c.source}".rstrip())
    if portrait.acquisition:
        found = portrait.acquisition
        inviter = f"#{found['inviter']}" if found["inviter"] else ""
        origin = (found["label"], found["code"], inviter, found["campaign"])
        lines.append("  " + " · ".join(part for part in origin if part))
    for m in portrait.merges:
        told = _("join %(id)s: %(sentence)s") % {"id": m.id, "sentence": m.sentence}
        lines.append(f"  {told}; {m.ended}" if m.ended else f"  {told}")
    if portrait.cases:
        lines.append("  " + _("%(count)s cases of the merge review are about it.") % {"count": portrait.cases})
    return lines
