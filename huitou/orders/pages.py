"""Customers as their orders show them: the list, and the cards of the customer page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.models import Brand
from huitou.accounts.queries import find_brand, get_brand
from huitou.catalog.labels import category_labels
from huitou.catalog.models import Product
from huitou.console.downloads import csv_response
from huitou.console.formats import format_day
from huitou.console.shell import Card, Page
from huitou.console.tables import Order, read_order, read_page
from huitou.core.clock import SystemClock, local_day
from huitou.core.errors import DomainError
from huitou.customers.labels import customer_labels
from huitou.customers.queries import count_persons, customers_of, find_person_ids
from huitou.orders import queries
from huitou.orders.due import LATE, WEEK, due_moment
from huitou.orders.lists import export_list, list_header
from huitou.orders.portrait import Tag, Value, band_words, describe, dormant_words, lifecycle_words, tags
from huitou.orders.radar import radar_of

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
    """Everybody who bought, sortable, filtered by stage and layer; a search finds who has not bought yet as well."""
    brand = find_brand()
    if brand is not None and request.method == "POST":
        return _search(request)
    asked = _read_asked(request)
    found = queries.CustomerPage([], 0, 1, 1)
    if brand is not None and queries.last_refresh() is not None:
        page = read_page(request, total=10**9, size=PAGE_SIZE).number
        found = queries.list_customers(**asked.selection(brand), page=page, page_size=PAGE_SIZE)
    if brand is None or (not found.total and asked.is_everybody):
        return render(request, "orders/customers_empty.html", {"brand": brand, "known": count_persons()})
    waiting = [] if asked.is_filtered else queries.never_bought(asked.people or [])
    context: dict[str, Any] = {
        "brand": brand,
        "customers": _listed(found.rows),
        "waiting": sorted(customer_labels(waiting).items()),
        "order": asked.order,
        "filters": asked.filters,
        "people": request.GET.get("people", "") if asked.people is not None else "",
        "searched": asked.people is not None,
        "cut": asked.people is not None and len(asked.people) == _FOUND_MAX,
        "due": asked.due,
        "total": found.total + len(waiting),
        "paging": read_page(request, total=found.total, size=PAGE_SIZE),
    }
    return render(request, "orders/customers.html", context)


@requires("customers.view")
def download_customers(request: HttpRequest) -> HttpResponse:
    """The list that the address asks for, all its pages, as a file; identifiers whole only for those who may export."""
    brand = find_brand()
    if brand is None or queries.last_refresh() is None:
        raise Http404
    asked = _read_asked(request)
    user = acting_user(request)
    whole = user is not None and user.has_perm("customers.export")
    try:
        rows = export_list(
            asked.selection(brand), brand=brand, whole=whole, clock=SystemClock(), actor=user, named=asked.due or "all"
        )
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(f"{reverse('customers')}?{request.GET.urlencode()}")
    name = f"customers_{asked.due or 'all'}_{local_day(brand.now(), brand.tz)}.csv"
    return csv_response(name, list_header(whole=whole, currency=brand.currency), rows)


@dataclass(frozen=True)
class Asked:
    """Which customers an address asks for, and in which order; `people` is None where nothing was searched."""

    due: str
    people: list[int] | None
    filters: list[Filter]
    order: Order

    @property
    def is_everybody(self) -> bool:
        return self.people is None and not self.is_filtered

    @property
    def is_filtered(self) -> bool:
        return bool(self.due) or any(f.chosen for f in self.filters)

    def selection(self, brand: Brand) -> dict[str, Any]:
        """The same as arguments of `queries.list_customers`."""
        return {
            "person_ids": self.people,
            "where": {f.name: f.chosen for f in self.filters if f.chosen},
            "due": self.due,
            "moment": due_moment(brand) if self.due else None,
            "sort": f"{'-' if self.order.descending else ''}{self.order.column}",
        }


def _read_asked(request: HttpRequest) -> Asked:
    due = request.GET.get("due", "")
    due = due if due in {WEEK, LATE} else ""
    order = read_order(request, _SORTABLE, "-spend_minor" if due else "-last_order_at")
    return Asked(due, _read_people(request), _filters(request), order)


def _search(request: HttpRequest) -> HttpResponse:
    """Look up what was typed and go on with the numbers found: names and phones stand in no address.

    Where that is one customer, there is nothing to choose from.
    """
    text = request.POST.get("q", "").strip()
    if not text:
        return redirect("customers")
    found = find_person_ids(text, limit=_FOUND_MAX)
    if len(customers := set(customers_of(found).values())) == 1:
        return redirect("customers_detail", customers.pop())
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
        "radar": radar_of(values),
        "as_of_text": format_day(refresh.as_of, brand.tz),
    }
    return render_to_string("orders/features_card.html", context, request)


def _with_category_name(values: dict[str, Value]) -> dict[str, Value]:
    code = values.get("top_category")
    name = category_labels([code]).get(code) if isinstance(code, str) else None
    return {**values, "top_category": name} if name else values


def timeline_card(request: HttpRequest, person_id: int) -> str:
    """What one customer bought and sent back, newest first."""
    return render_to_string("orders/timeline_card.html", _timeline(person_id, 1), request)


@requires("customers.view")
def show_timeline(request: HttpRequest, person_id: int) -> HttpResponse:
    """A further part of a long timeline, as the entries that follow those already shown."""
    context = _timeline(person_id, read_page(request, total=10**9, size=TIMELINE_SIZE).number)
    return render(request, "orders/timeline_entries.html", context)


def _timeline(person_id: int, page: int) -> dict[str, Any]:
    """Entries of one page, and the number of the next one, if there is any."""
    brand = get_brand()
    start = (page - 1) * TIMELINE_SIZE
    wanted = start + TIMELINE_SIZE + 1
    entries = queries.order_timeline(person_id, limit=wanted) if queries.last_refresh() else []
    return {
        "entries": _told(entries[start : start + TIMELINE_SIZE]),
        "brand": brand,
        "person_id": person_id,
        "next_page": page + 1 if len(entries) == wanted else None,
        "is_first": page == 1,
    }


# What stands in for the product of an order that tells none.
NO_PRODUCT = "-"


def _told(entries: list[queries.TimelineEntry]) -> list[dict[str, Any]]:
    lines = [line for entry in entries for line in entry.lines]
    names = dict(Product.objects.filter(sku__in={line.sku for line in lines}).values_list("sku", "name"))
    categories = category_labels({line.category for line in lines if line.category})
    told = []
    for entry in entries:
        items = [
            {
                "name": names.get(line.sku) or (_("product not told") if line.sku == NO_PRODUCT else line.sku),
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
urlpatterns = [
    path("customers/", list_customers, name="customers"),
    path("customers/list.csv", download_customers, name="customers_csv"),
    path("customers/<int:person_id>/timeline/", show_timeline, name="customers_timeline"),
]
