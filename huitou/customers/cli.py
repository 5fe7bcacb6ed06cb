"""`huitou customers`: show, merge, unmerge, export and erase a customer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from huitou.core.boot import booted

customers_app = typer.Typer(no_args_is_help=True, help="Show, merge, export and erase customers.")
COMMANDS = {"customers": customers_app}
Who = Annotated[str, typer.Argument(help="Internal number of the customer or of any of its persons: 12 or #12.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
ByIdentifier = Annotated[
    bool, typer.Option("--identifier", "-i", help="WHO is a customer number, a phone or another identifier.")
]


@customers_app.command("show")
@booted
def show(
    who: Who,
    identifier: ByIdentifier = False,
    whole: Annotated[bool, typer.Option("--whole", help="Names and identifiers whole; each look is logged.")] = False,
    as_json: AsJson = False,
) -> None:
    """Who a customer is: identifiers, joins, consent, milestones. Names and identifiers are masked."""
    from django.utils.translation import gettext as _

    from huitou.core.clock import SystemClock
    from huitou.core.terminal import print_json
    from huitou.customers.finding import find_one
    from huitou.customers.looking import look_whole
    from huitou.customers.portrait import find_portrait, portrait_lines

    person_id = find_one(who, by_identifier=identifier)
    portrait = (
        look_whole(person_id=person_id, clock=SystemClock()) if whole else find_portrait(person_id, clock=SystemClock())
    )
    assert portrait is not None, "find_one finds persons that exist"
    if as_json:
        print_json(portrait.to_json())
        return
    for line in portrait_lines(portrait):
        typer.echo(line)
    if not whole and portrait.personal:
        typer.echo(_("Masked; --whole shows names and identifiers whole, and is logged."))


@customers_app.command("merge")
@booted
def merge(
    who: Who,
    other: Annotated[str, typer.Argument(help="Internal number of the customer that is the same one.")],
    note: Annotated[str, typer.Option("--note", help="Why; shown beside the join.")] = "",
    as_json: AsJson = False,
) -> None:
    """Join two customers by hand. It can be undone."""
    from django.utils.translation import gettext as _

    from huitou.core.clock import SystemClock
    from huitou.core.terminal import print_json
    from huitou.customers.finding import find_number
    from huitou.customers.queries import customers_of
    from huitou.customers.services import merge_customers

    a, b = find_number(who), find_number(other)
    done = merge_customers(person_a=a, person_b=b, clock=SystemClock(), note=note)
    customer = customers_of([a])[a]
    if as_json:
        print_json({"merge": done.pk, "customer": customer, "persons": [done.person_a_id, done.person_b_id]})
        return
    told = _("Joined as customer #%(customer)s; huitou customers unmerge %(merge)s undoes it.")
    typer.echo(told % {"customer": customer, "merge": done.pk})


@customers_app.command("unmerge")
@booted
def unmerge(
    merge_id: Annotated[int, typer.Argument(help="Number of the join, as huitou customers show lists it.")],
    as_json: AsJson = False,
) -> None:
    """Undo one join. No rule joins the two again."""
    from django.utils.translation import gettext as _

    from huitou.core.clock import SystemClock
    from huitou.core.terminal import print_json
    from huitou.customers.queries import customers_of
    from huitou.customers.services import undo_merge

    done = undo_merge(merge_id=merge_id, clock=SystemClock())
    persons = [done.person_a_id, done.person_b_id]
    customers = customers_of(persons)
    if as_json:
        print_json({"merge": done.pk, "customers": [customers[p] for p in persons]})
        return
    told = _("Undone: #%(a)s and #%(b)s are two customers. Figures follow at the next refresh.")
    typer.echo(told % {"a": customers[persons[0]], "b": customers[persons[1]]})


@customers_app.command("export")
@booted
def export(
    who: Who,
    identifier: ByIdentifier = False,
    out: Annotated[Path | None, typer.Option("--out", help="A file; without it, the document is printed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Everything about one customer, as one JSON document."""
    from django.utils.translation import gettext as _

    from huitou.core.clock import SystemClock
    from huitou.core.terminal import print_json
    from huitou.customers.finding import find_one, write_document
    from huitou.customers.personal import export_customer

    person_id = find_one(who, by_identifier=identifier)
    document = export_customer(person_id=person_id, clock=SystemClock())
    if out is None:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))
        return
    write_document(out, document)
    if as_json:
        print_json({"customer": document["customer"], "out": str(out)})
    else:
        typer.echo(_("Customer #%(id)s was written to %(path)s.") % {"id": document["customer"], "path": out})


@customers_app.command("erase")
@booted
def erase(
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase everything personal of a customer, for ever. Orders stay, without a name."""
    from django.utils.translation import gettext as _

    from huitou.core.clock import SystemClock
    from huitou.core.terminal import confirmed, print_json
    from huitou.customers.finding import ConfirmationMissingError, find_one
    from huitou.customers.labels import customer_labels
    from huitou.customers.personal import erase_customer

    person_id = find_one(who)
    if not yes:
        if as_json:
            raise ConfirmationMissingError(_("Erasing cannot be undone: say --yes."))
        label = customer_labels([person_id])[person_id]
        question = _("Erase everything personal of customer %(label)s (#%(id)s)? This cannot be undone.")
        if not confirmed(question % {"label": label, "id": person_id}):
            raise ConfirmationMissingError(_("Nothing was erased."))
    counts = erase_customer(person_id=person_id, clock=SystemClock())
    if as_json:
        print_json({"customer": person_id, "erased": counts})
        return
    typer.echo(_("Erased. Copies of the database (backups, its own log) hold the customer until they expire."))
