"""Customers as their orders show them: the list, and the cards of the customer page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.accounts.doors import requires
from huitou.accounts.queries import find_brand, get_brand
from huitou.catalog.labels import category_labels
from huitou.catalog.models import Product
from huitou.console.formats import format_day
from huitou.console.shell import Card, Page
from huitou.console.tables import read_order, read_page
from huitou.customers.labels import customer_labels
from huitou.customers.queries import find_person_ids
from huitou.orders import queries
from huitou.orders.portrait import Tag, Value, band_words, describe, dormant_words, lifecycle_words, tags

PAGES = [Page("customers", "understand", gettext_lazy("Customers"), "people", 20, "customers")]
PAGE_SIZE = 50
# As many as an address can name.
_FOUND_MAX = 300
_NOBODY = "0"
TIMELINE_SIZE = 30
_SORTABLE = (
    "last_order_at",
    "order_count",
    "spend_minor",
    "aov_minor",
    "interpurchase_days_mean",
    "next_order_due_at",
)


@dataclass(frozen=True)
class Filter:
    """One choice above the list: a feature and the values that may be asked for."""

    name: str
    title: str | Promise
    choices: list[tuple[str, str]]
    chosen: str


@dataclass(frozen=True)
class ListedCustomer:
    """One line of the list."""

    person_id: int
    label: str
    values: dict[str, Value]
    tags: list[Tag]


@requires("customers.view")
def list_customers(request: HttpRequest) -> HttpResponse:
    """Everybody who bought, sortable, filtered by stage and layer, found by number, name or phone."""
    brand = find_brand()
    if brand is None or queries.last_refresh() is None:
        return render(request, "orders/customers_empty.html", {"brand": brand})
    if request.method == "POST":
        return _search(request)
    order = read_order(request, _SORTABLE, "-last_order_at")
    filters = _filters(request)
    people = _read_people(request)
    due = request.GET.get("due", "")
    page = read_page(request, total=10**9, size=PAGE_SIZE).number
    if due in {"week", "late"}:
        found = queries.due_this_week(limit=200) if due == "week" else queries.overdue(limit=200)
    else:
        found = queries.list_customers(
            person_ids=people,
            where={f.name: f.chosen for f in filters if f.chosen},
            sort=f"{'-' if order.descending else ''}{order.column}",
            page=page,
            page_size=PAGE_SIZE,
        )
    shown = len(found.rows) if due else PAGE_SIZE
    context: dict[str, Any] = {
        "brand": brand,
        "customers": _listed(found.rows),
        "order": order,
        "filters": filters,
        "people": request.GET.get("people", "") if people is not None else "",
        "searched": people is not None,
        "cut": people is not None and len(people) == _FOUND_MAX,
        "due": due,
        "total": found.total,
        "paging": read_page(request, total=len(found.rows) if due else found.total, size=max(shown, 1)),
    }
    return render(request, "orders/customers.html", context)


def _search(request: HttpRequest) -> HttpResponse:
    """Look up what was typed and go on with the numbers found: names and phones stand in no address."""
    text = request.POST.get("q", "").strip()
    if not text:
        return redirect("customers")
    found = find_person_ids(text, limit=_FOUND_MAX)
    people = ".".join(str(person_id) for person_id in found) or _NOBODY
    return redirect(f"{reverse('customers')}?people={people}")


def _read_people(request: HttpRequest) -> list[int] | None:
    """The persons that a search found, from the address; None where nothing was searched."""
    given = request.GET.get("people", "")
    numbers = [part for part in given.split(".") if part.isascii() and part.isdigit() and len(part) < 19]
    if not numbers:
        return [] if given else None
    return [int(number) for number in numbers[:_FOUND_MAX]]


def _listed(rows: list[queries.CustomerRow]) -> list[ListedCustomer]:
    labels = customer_labels([row.person_id for row in rows])
    return [
        ListedCustomer(row.person_id, labels.get(row.person_id, f"#{row.person_id}"), row.values, tags(row.values))
        for row in rows
    ]


def _filters(request: HttpRequest) -> list[Filter]:
    declared: list[tuple[str, str, dict[str, str]]] = [
        ("lifecycle_stage", _("Lifecycle"), lifecycle_words()),
        ("repurchase_band", _("Repurchase"), band_words()),
        ("dormant_layer", _("Dormancy"), dormant_words()),
        ("vip_layer", _("VIP"), {"true": _("Yes"), "false": _("No")}),
    ]
    found = []
    for name, title, words in declared:
        chosen = request.GET.get(name, "")
        found.append(Filter(name, title, list(words.items()), chosen if chosen in words else ""))
    return found


def features_card(request: HttpRequest, person_id: int) -> str:
    """What the features say about one customer, in sentences."""
    brand = get_brand()
    refresh = queries.last_refresh()
    values = queries.customer_features(person_id) if refresh else None
    if refresh is None or values is None:
        return ""
    values = _with_category_name(values)
    sentences = describe(values, currency=brand.currency, zone=brand.tz, now=refresh.as_of)
    context = {
        "sentences": sentences,
        "tags": tags(values),
        "values": values,
        "as_of_text": format_day(refresh.as_of, brand.tz),
    }
    return render_to_string("orders/features_card.html", context, request)


def _with_category_name(values: dict[str, Value]) -> dict[str, Value]:
    code = values.get("top_category")
    name = category_labels([code]).get(code) if isinstance(code, str) else None
    return {**values, "top_category": name} if name else values


def timeline_card(request: HttpRequest, person_id: int) -> str:
    """What one customer bought and sent back, newest first."""
    brand = get_brand()
    entries = queries.order_timeline(person_id, limit=TIMELINE_SIZE) if queries.last_refresh() else []
    return render_to_string("orders/timeline_card.html", {"entries": _told(entries), "brand": brand}, request)


def _told(entries: list[queries.TimelineEntry]) -> list[dict[str, Any]]:
    lines = [line for entry in entries for line in entry.lines]
    names = dict(Product.objects.filter(sku__in={line.sku for line in lines}).values_list("sku", "name"))
    categories = category_labels({line.category for line in lines if line.category})
    told = []
    for entry in entries:
        items = [
            {
                "name": names.get(line.sku) or line.sku,
                "category": categories.get(line.category or "", line.category or ""),
                "quantity": f"{line.quantity.normalize():f}",
                "amount_minor": line.amount_minor,
            }
            for line in entry.lines
        ]
        status = status_words().get(entry.status, entry.status)
        told.append({"entry": entry, "status": status, "lines": items, "items_count": len(items)})
    return told


def status_words() -> dict[str, str]:
    """Order statuses by code."""
    return {
        "unpaid": _("Unpaid"),
        "paid": _("Paid"),
        "completed": _("Completed"),
        "cancelled": _("Cancelled"),
        "partly_refunded": _("Partly refunded"),
        "refunded": _("Refunded"),
    }


CARDS = [Card("customer", 10, features_card), Card("customer", 20, timeline_card)]
urlpatterns = [path("customers/", list_customers, name="customers")]
