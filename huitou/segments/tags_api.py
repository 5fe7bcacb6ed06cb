"""Operations on tags: lists, rules, giving and taking; and what one customer carries and is in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Path, Query, Schema
from pydantic import Field

from huitou.accounts.access_api import acting
from huitou.core.http_api.fields import MAX_ID, Body, Day, Id, Text, Word
from huitou.core.http_api.operations import Operations
from huitou.core.http_api.problems import NotFoundError
from huitou.customers.queries import customers_of, find_person
from huitou.segments import queries
from huitou.segments.api import Definition
from huitou.segments.bulk import give_to, last_instant, take_from
from huitou.segments.output import product_clock
from huitou.segments.services import (
    archive_tag,
    create_tag,
    give_tags,
    set_tag_rule,
    stop_tag_rule,
    take_tags,
)

router = Operations("understand")
TagName = Annotated[str, Path(min_length=1, max_length=60, description="Name of the tag.")]
PersonId = Annotated[Id, Path(ge=1, le=MAX_ID, description="Number of the customer or of any of its persons.")]


class TagOut(Schema):
    """One tag and who carries it."""

    name: str = Field(examples=["高潜"])
    group: str
    description: str
    carriers: int = Field(description="Customers who carry it now.")
    rule: dict[str, Any] | None = Field(description="The condition by which a refresh gives and takes it.")
    sentence: str = Field(description="The rule in words.")


class TagsOut(Schema):
    """Tags by group and name."""

    items: list[TagOut]


class TagsFilter(Schema):
    """Which of them."""

    archived: bool = Field(False, description="Those in the archive instead.")


@router.read("/tags", permission="segments.view", returns=TagsOut)
def show_tags(request: HttpRequest, asked: Query[TagsFilter]) -> TagsOut:
    """Tags with their groups, rules and how many carry them."""
    listed = queries.list_tags(product_clock().now(), archived=asked.archived)
    return TagsOut(items=[TagOut.from_orm(tag) for tag in listed])


class TagIn(Body):
    """A tag; its rule stays as it is where none is given."""

    name: Annotated[Word, Field(max_length=60)] = Field(examples=["高潜"])
    group: Annotated[Text, Field(max_length=60)] = ""
    description: Annotated[Text, Field(max_length=300)] = ""
    rule: Definition | None = None


class TagDone(Schema):
    """The tag."""

    name: str


@router.write("/tags", permission="segments.write", returns=TagDone, status=201)
def create_one_tag(request: HttpRequest, body: TagIn) -> TagDone:
    """Make a tag, or change its group, description or rule. One from the archive is offered again."""
    who = acting(request)
    tag = create_tag(name=body.name, group=body.group, description=body.description, clock=product_clock(), **who)
    if body.rule is not None:
        set_tag_rule(tag=tag.name, definition=body.rule, clock=product_clock(), **who)
    return TagDone(name=tag.name)


@router.write("/tags/{str:name}", method="DELETE", permission="segments.write", returns=TagDone)
def archive_one_tag(request: HttpRequest, name: TagName) -> TagDone:
    """Offer a tag nowhere any more; who carries it keeps it. Twice is once."""
    return TagDone(name=archive_tag(name=name, clock=product_clock(), **acting(request)).name)


class Counted(Schema):
    """How many customers, and how many entries of the list name nobody."""

    count: int
    unknown: int = 0


@router.write("/tags/{str:name}/rule", method="DELETE", permission="segments.write", returns=Counted)
def stop_one_rule(request: HttpRequest, name: TagName) -> Counted:
    """End a tag's rule and take what it gave. Twice is once."""
    return Counted(count=stop_tag_rule(tag=name, clock=product_clock(), **acting(request)))


class PeopleIn(Body):
    """Everybody in a segment, or a list."""

    segment: Annotated[Text, Field(max_length=60)] | None = None
    customers: list[Annotated[Text, Field(max_length=200)]] | None = Field(
        None, max_length=20_000, description="Customer numbers, phones or other identifiers, or #person_id."
    )


class GivingIn(PeopleIn):
    """To whom, and how long it holds."""

    until: Day | None = Field(None, description="Last day on which it holds.")


@router.write("/tags/{str:name}/givings", permission="segments.write", returns=Counted)
def give_one_tag(request: HttpRequest, name: TagName, body: GivingIn) -> Counted:
    """Give a tag to everybody in a segment or in a list. Given again, the longer expiry counts."""
    expires = last_instant(body.until.isoformat()) if body.until else None
    done = give_to(tag=name, segment=body.segment, lines=body.customers, expires_at=expires, **acting(request))
    return Counted(count=done.count, unknown=len(done.unknown))


@router.write("/tags/{str:name}/takings", permission="segments.write", returns=Counted)
def take_one_tag(request: HttpRequest, name: TagName, body: PeopleIn) -> Counted:
    """Take a tag from everybody in a segment or in a list, whatever gave it."""
    done = take_from(tag=name, segment=body.segment, lines=body.customers, **acting(request))
    return Counted(count=done.count, unknown=len(done.unknown))


class HeldOut(Schema):
    """A tag that the customer carries."""

    tag: str
    group: str
    since: datetime
    expires_at: datetime | None
    origins: list[str] = Field(description="manual, rule, play, import or api.")


class GivenOut(Schema):
    """One giving of a tag."""

    tag: str
    origin: str
    origin_ref: str
    given_at: datetime
    given_by: str
    expires_at: datetime | None
    taken_at: datetime | None
    taken_by: str


class MembershipOut(Schema):
    """A segment and since when."""

    segment: str
    title: str
    since: datetime


class MoveOut(Schema):
    """An entry or exit."""

    segment: str
    title: str
    change: str
    at: datetime


class TacticsOut(Schema):
    """What the customer gets, and because of which segment."""

    segment: str
    title: str
    priority: int
    offers: str
    content: str
    channel: str
    service_level: str


class AudiencesOut(Schema):
    """Tags, segments and tactics of one customer."""

    customer: int
    tags: list[HeldOut]
    tag_history: list[GivenOut] = Field(description="The latest first.")
    segments: list[MembershipOut] = Field(description="As of the last refresh.")
    moves: list[MoveOut] = Field(description="Entries and exits, the latest first.")
    strategy: TacticsOut | None


@router.read("/customers/{int:person_id}/audiences", permission="segments.view", returns=AudiencesOut)
def show_audiences(request: HttpRequest, person_id: PersonId) -> AudiencesOut:
    """Tags that a customer carries, the segments it is in since when, and what it gets because of them."""
    if find_person(person_id) is None:
        raise NotFoundError(_("There is no customer %(id)s.") % {"id": person_id})
    customer = customers_of([person_id])[person_id]
    chosen = queries.strategy_of([customer])[customer]
    history = [
        GivenOut(
            tag=row.tag.name,
            origin=row.origin,
            origin_ref=row.origin_ref,
            given_at=row.given_at,
            given_by=row.given_label,
            expires_at=row.expires_at,
            taken_at=row.taken_at,
            taken_by=row.taken_label,
        )
        for row in queries.tag_history(customer)
    ]
    return AudiencesOut(
        customer=customer,
        tags=[HeldOut.from_orm(held) for held in queries.tags_of([customer], product_clock().now())[customer]],
        tag_history=history,
        segments=[MembershipOut.from_orm(one) for one in queries.segments_of(customer)],
        moves=[MoveOut.from_orm(one) for one in queries.moves_of(customer)],
        strategy=None if chosen is None else TacticsOut.from_orm(chosen),
    )


class CustomerTagIn(Body):
    """One tag for one customer."""

    tag: Annotated[Word, Field(max_length=60)]
    until: Day | None = Field(None, description="Last day on which it holds.")


@router.write("/customers/{int:person_id}/tags", permission="segments.write", returns=Counted)
def tag_customer(request: HttpRequest, person_id: PersonId, body: CustomerTagIn) -> Counted:
    """Give one customer a tag."""
    expires = last_instant(body.until.isoformat()) if body.until else None
    count = give_tags(
        customer_ids=[person_id], tag=body.tag, expires_at=expires, clock=product_clock(), **acting(request)
    )
    return Counted(count=count)


@router.write(
    "/customers/{int:person_id}/tags/{str:name}", method="DELETE", permission="segments.write", returns=Counted
)
def untag_customer(request: HttpRequest, person_id: PersonId, name: TagName) -> Counted:
    """Take a tag from one customer, whatever gave it. Twice is once."""
    return Counted(count=take_tags(customer_ids=[person_id], tag=name, clock=product_clock(), **acting(request)))
