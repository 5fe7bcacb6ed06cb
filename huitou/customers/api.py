"""Operations on people: what shops know them by, what joined them, what they agreed to; export and erasure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Path, Query, Schema
from pydantic import Field

from huitou.accounts.access_api import acting
from huitou.core.clock import SystemClock
from huitou.core.http_api.fields import MAX_ID, Body, Flag, Id, Text, Whole, Word
from huitou.core.http_api.operations import Operations
from huitou.core.http_api.paging import Page, Paged, newest_page
from huitou.core.http_api.problems import InvalidError, NotFoundError
from huitou.customers.consenting import decide_consent
from huitou.customers.looking import look_whole
from huitou.customers.models import Merge
from huitou.customers.personal import erase_customer, export_customer
from huitou.customers.portrait import Portrait, find_portrait
from huitou.customers.queries import customers_of
from huitou.customers.reviewing import OpenCase, open_cases, tell_cases
from huitou.customers.services import (
    ConsentDecision,
    close_case,
    keep_apart,
    merge_customers,
    undo_merge,
)

router = Operations("understand")
_CLOCK = SystemClock()
PersonId = Annotated[Id, Path(ge=1, le=MAX_ID, description="Number of the customer or of any of its persons.")]
Number = Annotated[Whole, Field(ge=1, le=MAX_ID)]


class IdentifierOut(Schema):
    """One string by which one source knows the person."""

    person: int = Field(description="The person whose it is, for ever.")
    kind: str = Field(examples=["phone"])
    label: str = Field(examples=["Phone"])
    namespace: str = Field(description="Shop or app in which the value is unique.", examples=[""])
    value: str = Field(examples=["138****1234"])
    first_seen_at: datetime | None
    first_source: str
    stopped: bool = Field(description="It is on too many accounts to join anybody.")


class MergeOut(Schema):
    """Why two persons are one customer."""

    id: int
    persons: list[int] = Field(examples=[[17, 42]])
    sentence: str = Field(description="What said so, in the caller's language.")
    at: datetime
    active: bool
    ended: str


class ConsentOut(Schema):
    """The latest decision about one channel and purpose."""

    channel: str = Field(examples=["sms"])
    purpose: str = Field(examples=["marketing"])
    granted: bool
    at: datetime
    source: str
    text_version: str


class MilestoneOut(Schema):
    """The latest value of one milestone."""

    kind: str = Field(examples=["birthday"])
    label: str
    value: str
    at: datetime
    told: int = Field(description="How many values were told.")


class PersonOut(Schema):
    """Everything that the register knows of one customer."""

    customer: int = Field(examples=[17])
    persons: list[int] = Field(description="All persons of the customer.", examples=[[17, 42]])
    label: str
    names: list[str] = Field(examples=[["张**"]])
    phones: list[str] = Field(examples=[["138****1234"]])
    known_since: datetime | None
    erased_at: datetime | None
    identifiers: list[IdentifierOut]
    attributes: dict[str, str] = Field(description="Label to value.", examples=[{"City": "杭州"}])
    merges: list[MergeOut]
    consents: list[ConsentOut]
    milestones: list[MilestoneOut]
    acquisition: dict[str, Any] | None = Field(description="How the customer was won, first touch.")
    cases: int = Field(description="Open cases of the merge review.")
    masked: bool


@router.read("/customers/{int:person_id}/person", permission="customers.view", returns=PersonOut)
def show_person(request: HttpRequest, person_id: PersonId) -> PersonOut:
    """Who a customer is: identifiers, joins, consent, milestones. Names and identifiers are masked."""
    return _person(_portrait(person_id), masked=True)


class UnmaskingIn(Body):
    """Why the data are needed."""

    reason: Literal["service", "order", "merge", "other"] = Field(
        description="Stands in the audit log, which keeps no free text about customers.", examples=["service"]
    )


@router.read("/customers/{int:person_id}/unmaskings", method="POST", permission="customers.unmask", returns=PersonOut)
def unmask_person(request: HttpRequest, person_id: PersonId, body: UnmaskingIn) -> PersonOut:
    """See names and identifiers of a customer whole. Each look is in the audit log with who and why.

    It changes nothing else, so it takes no Idempotency-Key: its answer is kept nowhere.
    """
    portrait = look_whole(person_id=person_id, reason=body.reason, clock=_CLOCK, **acting(request))
    return _person(portrait, masked=False)


class ExportOut(Schema):
    """Everything about one customer, by app."""

    document: dict[str, Any]


@router.read("/customers/{int:person_id}/exports", method="POST", permission="customers.export", returns=ExportOut)
def export_person(request: HttpRequest, person_id: PersonId) -> ExportOut:
    """Everything about one customer, unmasked, for the customer. Each export is in the audit log.

    It changes nothing else, so it takes no Idempotency-Key: its answer is kept nowhere.
    """
    return ExportOut(document=dict(export_customer(person_id=person_id, clock=_CLOCK, **acting(request))))


class ErasureOut(Schema):
    """What was erased."""

    customer: int
    erased: dict[str, int] = Field(description="How much of what.", examples=[{"identifiers": 3}])


class ErasureIn(Body):
    """The customer's number once more: erasing cannot be undone."""

    confirm: Number = Field(description="The number in the address, so that a slip erases nobody.", examples=[17])


@router.write("/customers/{int:person_id}/erasure", permission="customers.erase", returns=ErasureOut)
def erase_person(request: HttpRequest, person_id: PersonId, body: ErasureIn) -> ErasureOut:
    """Erase everything personal of a customer, for ever. Orders stay, without a name."""
    if body.confirm != person_id:
        raise InvalidError(
            _("confirm has to be %(number)s, the number in the address: erasing cannot be undone.")
            % {"number": person_id},
            place="body",
            field="confirm",
            reason="confirmation_missing",
        )
    erased = erase_customer(person_id=person_id, clock=_CLOCK, **acting(request))
    return ErasureOut(customer=person_id, erased=erased)


class ConsentIn(Body):
    """A decision of the customer."""

    channel: Annotated[Word, Field(max_length=30)] = Field(examples=["sms"])
    purpose: Annotated[Word, Field(max_length=30)] = Field(examples=["marketing"])
    granted: Flag = Field(description="false withdraws, at once.")
    source: Annotated[Word, Field(max_length=100)] = Field(description="Where it was given.", examples=["hotline"])
    text_version: Annotated[Text, Field(max_length=50)] = Field("", description="Version of the text agreed to.")


class ConsentsOut(Schema):
    """The latest decisions."""

    items: list[ConsentOut]


@router.write("/customers/{int:person_id}/consents", permission="customers.write", returns=ConsentsOut)
def record_consent(request: HttpRequest, person_id: PersonId, body: ConsentIn) -> ConsentsOut:
    """Record what a customer agreed to, or withdrew, now. A withdrawal counts from this moment."""
    _portrait(person_id)
    decision = ConsentDecision(person_id=person_id, at=_CLOCK.now(), **body.dict())
    decide_consent(decision=decision, clock=_CLOCK, **acting(request))
    return ConsentsOut(items=[ConsentOut.from_orm(found) for found in _portrait(person_id).consents])


class MergeIn(Body):
    """Two customers who are the same one."""

    person_a: Number = Field(examples=[17])
    person_b: Number = Field(examples=[42])
    note: Annotated[Text, Field(max_length=200)] = Field("", description="Why; shown beside the join.")


class MergeDone(Schema):
    """What came of it."""

    id: int = Field(description="Number of the join.")
    customers: list[int] = Field(description="The customers of the two persons now: one after a join, else two.")


@router.write("/merges", permission="customers.write", returns=MergeDone, status=201)
def merge_two_customers(request: HttpRequest, body: MergeIn) -> MergeDone:
    """Join two customers by hand. It can be undone; figures follow at the next refresh."""
    done = merge_customers(
        person_a=body.person_a, person_b=body.person_b, note=body.note, clock=_CLOCK, **acting(request)
    )
    return _merged(done)


MergeId = Annotated[Id, Path(ge=1, le=MAX_ID, description="Number of the join.")]


@router.write("/merges/{int:merge_id}", method="DELETE", permission="customers.write", returns=MergeDone)
def undo_one_merge(request: HttpRequest, merge_id: MergeId) -> MergeDone:
    """Undo one join. No rule joins the two again; what was recorded meanwhile stays with its person."""
    return _merged(undo_merge(merge_id=merge_id, clock=_CLOCK, **acting(request)))


def _merged(done: Merge) -> MergeDone:
    customers = customers_of([done.person_a_id, done.person_b_id])
    return MergeDone(id=done.pk, customers=sorted(set(customers.values())))


class SideOut(Schema):
    """One customer of a case; identifiers are masked."""

    person: int
    label: str
    identifiers: list[list[str]] = Field(description="Kind and value.", examples=[[["Phone", "138****1234"]]])


class CaseOut(Schema):
    """What the rules left to people."""

    id: int
    reason: Literal["conflict", "shared"]
    sentence: str = Field(description="What speaks for one customer.")
    against: str
    at: datetime
    sides: list[SideOut]


class CasePage(Page):
    """Open cases, the latest first."""

    items: list[CaseOut]


@router.read("/merge-cases", permission="customers.view", returns=CasePage, section="connect")
def show_merge_cases(request: HttpRequest, paged: Query[Paged]) -> CasePage:
    """Open cases of the merge review: conflicts that kept two apart, identifiers on many accounts."""
    found, following = newest_page(request, paged, open_cases(), by="at")
    return CasePage(items=[_case(case) for case in tell_cases(found)], next=following)


class PartingIn(Body):
    """Two customers who are two."""

    person_a: Number = Field(examples=[17])
    person_b: Number = Field(examples=[42])


@router.write("/merge-cases/partings", permission="customers.write", returns=None, section="connect")
def keep_two_apart(request: HttpRequest, body: PartingIn) -> None:
    """Decide that two persons are two customers: no rule joins them until a join by hand."""
    keep_apart(person_a=body.person_a, person_b=body.person_b, clock=_CLOCK, **acting(request))


CaseId = Annotated[Id, Path(ge=1, le=MAX_ID, description="Number of the case.")]


@router.write(
    "/merge-cases/{int:case_id}", method="DELETE", permission="customers.write", returns=None, section="connect"
)
def close_merge_case(request: HttpRequest, case_id: CaseId) -> None:
    """Take note of an identifier on many accounts, so that its case leaves the list. Twice is once."""
    close_case(case_id=case_id, clock=_CLOCK, **acting(request))


def _portrait(person_id: int) -> Portrait:
    portrait = find_portrait(person_id, clock=_CLOCK)
    if portrait is None:
        raise NotFoundError(_("There is no customer %(id)s.") % {"id": person_id})
    return portrait


def _person(portrait: Portrait, *, masked: bool) -> PersonOut:
    told = portrait.to_json()
    return PersonOut(**{**told, "attributes": dict(portrait.attributes)}, masked=masked)


def _case(case: OpenCase) -> CaseOut:
    return CaseOut.from_orm(case)
