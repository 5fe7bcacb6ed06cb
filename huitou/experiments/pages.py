"""Experiments in the console: the list, one readout, and cards on the settings and customer pages."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.queries import find_brand, get_brand
from huitou.console.charts import Chart, Series
from huitou.console.formats import format_day
from huitou.console.shell import Card, Page
from huitou.console.tables import read_page
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError
from huitou.customers.queries import persons_of
from huitou.experiments import queries, services
from huitou.experiments.models import CONTROL, Experiment
from huitou.experiments.readout import FINAL, Readout
from huitou.experiments.settings import holdout_standing
from huitou.experiments.words import STATES, TONES, VERDICTS, arm_label, tell, title_of
from huitou.stats.allocation import WHOLE_BP
from huitou.stats.estimate import Difference

PAGES = [Page("experiments", "learn", gettext_lazy("Experiments"), "scale", 10, "experiments")]
PAGE_SIZE = 50
_CLOCK = SystemClock()
_STATE_TONES = {"running": "info", "in_progress": "info", "ended": "", "stopped": "warn", "waiting": "warn"}


@requires("plays.view")
def list_experiments(request: HttpRequest) -> HttpResponse:
    """Every experiment, the newest first."""
    brand = find_brand()
    found = queries.list_experiments()
    paging = read_page(request, total=found.count(), size=PAGE_SIZE)
    start = (paging.number - 1) * PAGE_SIZE
    chosen = list(found[start : start + PAGE_SIZE]) if brand else []
    assigned = dict(found.filter(pk__in=[one.pk for one in chosen]).values_list("pk", Count("assignments")))
    rows = [
        {
            "experiment": one,
            "title": title_of(one),
            "state": STATES[(state := one.state_at(brand.now()))],
            "tone": _STATE_TONES[state],
            "control": next(arm.share_bp for arm in one.shares if arm.code == CONTROL) / WHOLE_BP,
            "assigned": assigned[one.pk],
        }
        for one in chosen
        if brand
    ]
    return render(request, "experiments/experiments.html", {"brand": brand, "rows": rows, "paging": paging})


@requires("plays.view")
def show_readout(request: HttpRequest, key: str) -> HttpResponse:
    """What can be said of one experiment now."""
    experiment = queries.find_experiment(key)
    if experiment is None:
        raise Http404
    brand = get_brand()
    try:
        found = queries.readout(experiment)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("experiments")
    figures = {one.arm: one for one in found.arms}
    context = {
        "brand": brand,
        "experiment": experiment,
        "looks": experiment.look_instants[: experiment.looks],
        "title": title_of(experiment),
        "readout": found,
        "is_final": found.state == FINAL,
        "has_costs": any(one.cost_minor is not None for one in found.arms),
        "state": _state(found),
        "tone": _tone(found),
        "sentences": tell(found, brand.tz),
        "arms": [
            {
                "label": arm_label(arm.code),
                "share": arm.share_bp / WHOLE_BP,
                "assigned": found.assigned[arm.code],
                "figures": figures.get(arm.code),
            }
            for arm in experiment.shares
        ],
        "chart": _chart(found),
        "cohorts": _cohort_chart(found),
    }
    response = render(request, "experiments/readout.html", context)
    # The chart sets style attributes.
    response.allow_chart_styles = True  # type: ignore[attr-defined]
    return response


def _state(readout: Readout) -> str:
    if readout.state == FINAL and len(readout.comparisons) == 1:
        return str(VERDICTS[readout.comparisons[0].verdict])
    return str(STATES[readout.state])


def _tone(readout: Readout) -> str:
    if readout.state == FINAL and len(readout.comparisons) == 1:
        return TONES[readout.comparisons[0].verdict]
    return _STATE_TONES.get(readout.state, "")


def _chart(readout: Readout) -> Chart | None:
    """The difference of each treatment: as counted, and with the noise of earlier purchases taken off."""
    labels: list[str] = []
    found: list[Difference] = []
    for compared in readout.comparisons:
        if compared.rate is None:
            continue
        name = arm_label(compared.arm)
        labels.append(_("%(arm)s, as counted") % {"arm": name})
        found.append(compared.rate)
        if compared.adjusted:
            labels.append(_("%(arm)s, noise taken off") % {"arm": name})
            found.append(compared.adjusted.difference)
    if not found:
        return None
    return Chart(
        title=_("Difference of the repurchase rate"),
        labels=labels,
        series=[_intervals(_("Difference"), found)],
        unit="rate",
        kind="interval",
        label_title=_("Arm"),
        small=True,
        key="difference",
    )


def _cohort_chart(readout: Readout) -> Chart | None:
    treatments = [compared.arm for compared in readout.comparisons]
    if len(readout.cohorts) < 2:
        return None
    chart = Chart(
        title=_("Difference by cohort"),
        labels=[cohort.name for cohort in readout.cohorts],
        series=[
            _intervals(arm_label(arm), [cohort.differences.get(arm) for cohort in readout.cohorts])
            for arm in treatments
        ],
        unit="rate",
        kind="interval",
        label_title={"day": _("Day"), "week": _("Week"), "month": _("Month")}[readout.cohort_grain],
        key="cohorts",
    )
    return None if chart.is_empty else chart


def _intervals(name: str, found: list[Difference] | list[Difference | None]) -> Series:
    return Series(
        name=name,
        values=[one.estimate if one else None for one in found],
        lows=[one.low if one else None for one in found],
        highs=[one.high if one else None for one in found],
    )


@requires("settings.write")
@require_POST
def change_holdout(request: HttpRequest) -> HttpResponse:
    """Another share of the global holdout, from the next quarter on."""
    share = _basis_points(request.POST.get("share", ""))
    if share is None:
        messages.error(request, _("Write the share as a number of per cent, for example 5."))
    else:
        try:
            services.set_holdout_share(share_bp=share, clock=_CLOCK, actor=acting_user(request))
        except DomainError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Saved. It holds from the next quarter on."))
    return redirect(f"{reverse('settings')}#holdout")


@requires("settings.write")
@require_POST
def change_margin(request: HttpRequest) -> HttpResponse:
    """What is left of revenue after the cost of goods."""
    given = request.POST.get("margin", "").strip()
    margin = _basis_points(given)
    if given and margin is None:
        messages.error(request, _("Write the margin as a number of per cent, for example 35."))
    else:
        try:
            services.set_margin(margin_bp=margin, clock=_CLOCK, actor=acting_user(request))
        except DomainError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Saved."))
    return redirect(f"{reverse('settings')}#holdout")


def _basis_points(text: str) -> int | None:
    """Per cent as somebody types it, in basis points; None where it is no such number."""
    try:
        exact = Decimal(text.strip().rstrip("%％").strip().replace(",", ".")) * 100
        whole = int(exact)
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return whole if whole == exact and abs(whole) <= 1_000_000 else None


def holdout_card(request: HttpRequest, _subject: object) -> str:
    """The global holdout of this quarter and the next, and the margin."""
    standing = holdout_standing()
    context: dict[str, Any] = {
        "standing": standing,
        "share": standing.current.share_bp / WHOLE_BP,
        "next_share": standing.following.share_bp / WHOLE_BP,
        "next_percent": f"{standing.following.share_bp / 100:g}",
        "margin_percent": "" if standing.margin_bp is None else f"{standing.margin_bp / 100:g}",
    }
    return render_to_string("experiments/holdout_card.html", context, request)


def customer_card(request: HttpRequest, person_id: int) -> str:
    """In which experiments a customer is, under which arm and since when; and whether it is held out."""
    brand = get_brand()
    now = brand.now()
    arms = [
        {
            "title": title_of(one.experiment),
            "url": _address(one.experiment),
            "label": arm_label(one.arm),
            "day": format_day(one.at, brand.tz),
        }
        for one in queries.arms_of_customer(persons_of(person_id))
    ]
    context = {
        "arms": arms,
        "held": bool(queries.held_out([person_id], now)),
        "quarter": queries.current_quarter(now).name,
    }
    return render_to_string("experiments/customer_card.html", context, request)


def _address(experiment: Experiment) -> str:
    return reverse("experiments_readout", args=[experiment.key])


CARDS = [
    Card("settings", 20, holdout_card, "settings.view"),
    Card("customer", 40, customer_card, "customers.view"),
]
urlpatterns = [
    path("experiments/", list_experiments, name="experiments"),
    path("experiments/<str:key>/", show_readout, name="experiments_readout"),
    path("settings/holdout/", change_holdout, name="settings_holdout"),
    path("settings/margin/", change_margin, name="settings_margin"),
]
