"""The customer page: who it is, and the cards that apps add."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path

from huitou.accounts.doors import requires
from huitou.accounts.queries import get_brand
from huitou.console.formats import mask_name, mask_phone
from huitou.console.shell import render_cards
from huitou.customers.attributes import attribute_label, attribute_value_label
from huitou.customers.identifier_kind import show_identifier
from huitou.customers.labels import customer_labels
from huitou.customers.models import Person


@requires("customers.view")
def show_customer(request: HttpRequest, person_id: int) -> HttpResponse:
    """Everything that is known about one customer. Names and phones are masked."""
    person = get_object_or_404(Person, pk=person_id)
    context: dict[str, Any] = {
        "brand": get_brand(),
        "person": person,
        "label": customer_labels([person_id])[person_id],
        "name": mask_name(person.display_name),
        "phone": mask_phone(person.phone) if person.phone else "",
        "identifiers": [(i.namespace, show_identifier(i.kind, i.value)) for i in person.identifiers.order_by("pk")],
        "attributes": [
            (attribute_label(name), attribute_value_label(str(value)))
            for name, value in sorted(person.attributes.items())
        ],
        "cards": render_cards("customer", request, person_id),
        "side_cards": render_cards("customer.side", request, person_id),
    }
    return render(request, "customers/detail.html", context)


urlpatterns = [path("customers/<int:person_id>/", show_customer, name="customers_detail")]
