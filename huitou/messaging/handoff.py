"""Hand-off lists: exported once they are governed, and what the other tool reported of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.core.faultpoints import reach
from huitou.customers.labels import customer_labels
from huitou.customers.models import Identifier
from huitou.customers.queries import customers_of, decided_consents, members_of
from huitou.messaging.accounts import get_account
from huitou.messaging.channel import find_channel
from huitou.messaging.content import Content
from huitou.messaging.deciding import decide_listed, languages_of
from huitou.messaging.links import link_url, unsubscribe_url
from huitou.messaging.models import REACHED_STATES, HandoffList, ShortLink, Touch
from huitou.messaging.outbox import hand_over, run_held
from huitou.messaging.rules import current_rules
from huitou.messaging.standing import load_accounts

_BLOCK = 300
_KINDS = ("phone", "external_userid", "unionid", "openid", "email", "customer_id", "member_no", "buyer_id")


class NothingToListError(DomainError):
    """No message is ready for a list, or the governor lets none of them out now."""

    code = "nothing_to_list"
    status = 409


class ListUnknownError(DomainError):
    """There is no such hand-off list."""

    code = "list_unknown"
    status = 404


@dataclass(frozen=True)
class Exported:
    """A list that was made: how many were judged for it, and how many it holds."""

    handoff: HandoffList
    judged: int
    listed: int


def export_list(
    *, account_id: int, source: str = "", clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> Exported:
    """Make a list of what is ready, of one source or of all. This is the moment of sending: the governor decides here.

    Raises NothingToListError where nothing is ready or nothing may go out, AccountInvalidError for an account that
    sends by itself.
    """
    account = get_account(account_id)
    channel = find_channel(account.kind)
    if channel is None or not channel.by_hand:
        raise NothingToListError(_("%(name)s sends by itself; only hand-off accounts make lists.") % {"name": account})
    made = HandoffList.objects.create(account=account, source=source, created_at=clock.now(), created_by=actor)
    judged = listed = 0
    with run_held() as run_number:
        while True:
            with transaction.atomic():
                sitting = decide_listed(
                    run_number=run_number, now=clock.now(), limit=_BLOCK, account_id=account_id, source=source
                )
                Touch.objects.filter(pk__in=[each.touch.pk for each in sitting.allowed]).update(handoff=made)
            reach("handoff.decided")
            judged += sitting.judged
            if sitting.allowed:
                listed += hand_over(sitting.allowed, clock=clock).accepted
            if not sitting.judged:
                break
    if not listed:
        made.delete()
        raise NothingToListError(
            _("%(judged)s were ready and none may go out now; the Messages page says why.") % {"judged": judged}
            if judged
            else _("Nothing is ready for a list.")
        )
    with transaction.atomic():
        made.touch_count = listed
        made.save(update_fields=["touch_count"])
        record_audit(
            action="handoff.exported",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=account.name,
            count=listed,
            detail={"list": made.pk, "source": source},
        )
    return Exported(made, judged, listed)


def list_header() -> list[str]:
    """The columns of a list's file; the first is what its report brings back."""
    return [
        _("Touch number"),
        _("Customer"),
        _("Phone"),
        _("WeCom external contact"),
        "unionid",
        "openid",
        _("E-mail"),
        _("Customer number"),
        _("Member number"),
        _("Buyer number"),
        _("Title"),
        _("Text"),
        _("Link"),
        _("Unsubscribe link"),
        _("Send before"),
    ]


def list_rows(
    handoff_id: int, *, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> Iterator[list[object]]:
    """The rows of a list's file, with identifiers whole; who has withdrawn or was erased since is left out.

    Each taking of the file is in the audit log. Raises ListUnknownError.
    """
    made = HandoffList.objects.select_related("account").filter(pk=handoff_id).first()
    if made is None:
        raise ListUnknownError(_("There is no hand-off list %(id)s.") % {"id": handoff_id})
    record_audit(
        action="handoff.taken",
        clock=clock,
        actor=actor,
        actor_label=actor_label,
        target=made.account.name,
        count=made.touch_count,
        detail={"list": made.pk},
    )
    return _rows(made, clock)


def _rows(made: HandoffList, clock: Clock) -> Iterator[list[object]]:
    way = load_accounts(current_rules(), clock.now())[made.account_id].way
    zone = current_rules().zone
    ids = list(made.touches.filter(state__in=REACHED_STATES).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), _BLOCK):
        found = Touch.objects.filter(pk__in=ids[start : start + _BLOCK], person__erased_at=None).order_by("pk")
        touches = list(found)
        customers = customers_of(t.person_id for t in touches)
        members = members_of(set(customers.values()))
        decided = decided_consents(members, {(way.consent, t.purpose) for t in touches}, clock.now())
        known = _identifiers({p: c for c, persons in members.items() for p in persons})
        languages, labels = languages_of(t.person_id for t in touches), customer_labels(customers)
        links = dict(ShortLink.objects.filter(touch__in=touches).values_list("touch_id", "code"))
        for touch in touches:
            customer = customers[touch.person_id]
            if not decided.get((customer, way.consent, touch.purpose), way.kept_elsewhere):
                continue
            _language, words = Content.from_json(touch.content).in_language(languages[touch.person_id])
            link = link_url(links[touch.pk]) if touch.pk in links else ""
            yield [
                touch.pk,
                labels.get(touch.person_id, f"#{customer}"),
                *(known.get((customer, kind), "") for kind in _KINDS),
                words.title,
                words.text.replace("{link}", link),
                link,
                unsubscribe_url(touch.pk),
                f"{touch.not_after.astimezone(zone):%Y-%m-%d %H:%M}",
            ]


def _identifiers(customer_by_person: dict[int, int]) -> dict[tuple[int, str], str]:
    """The first identifier of each kind by customer."""
    found: dict[tuple[int, str], str] = {}
    rows = Identifier.objects.filter(person_id__in=customer_by_person, kind__in=_KINDS, stopped_at=None)
    for person, kind, value in rows.order_by("person_id", "pk").values_list("person_id", "kind", "value"):
        found.setdefault((customer_by_person[person], kind), listed(kind, value))
    return found


def listed(kind: str, value: str) -> str:
    """An identifier as other tools take it. Phones go without the plus, which a spreadsheet would run as a formula and
    a dialler would not dial behind an apostrophe; those of the mainland have their usual eleven digits."""
    return value.removeprefix("+86").removeprefix("+") if kind == "phone" else value
