"""How good a forecast of items has been, and what makes it less sure, in plain sentences."""

from __future__ import annotations

from django.utils.translation import gettext as _

from huitou.predictions.ordering.words import no_trees_sentence
from huitou.stats.item_repurchase.forecast import ADJUSTED, CLOSED_FORM, TREES, ItemForecast


def form_name(form: str) -> str:
    """What a form is called by people."""
    names = {
        CLOSED_FORM: _("the closed form"),
        ADJUSTED: _("the closed form, adjusted"),
        TREES: _("trees on the adjusted closed form"),
    }
    return names[form]


def item_sentences(forecast: ItemForecast) -> list[str]:
    """How the chosen form did when looking back, how its dates did, and what to know before either is trusted."""
    return [*_tested(forecast), *_dated(forecast), *_cautions(forecast)]


def _tested(forecast: ItemForecast) -> list[str]:
    return [
        _(
            "Looking back %(back)d days, of %(pairs)s pairs %(form)s expected %(expected)s to be bought again within "
            "%(days)d days; %(hits)s were. Of one that was and one that was not, it rated the right one higher in "
            "%(auc)s %% of cases."
        )
        % {
            "back": forecast.end - one.origin,
            "pairs": f"{one.pairs:,}",
            "form": form_name(one.form),
            "expected": f"{sum(group.pairs * group.expected for group in one.groups):,.0f}",
            "days": one.horizon,
            "hits": f"{one.hits:,}",
            "auc": f"{100 * one.auc:.1f}",
        }
        for one in forecast.tested
        if one.form == forecast.form and one.auc == one.auc
    ]


def _dated(forecast: ItemForecast) -> list[str]:
    timing = forecast.timing
    if timing is None:
        return [_("No dates are given: no rhythm here was better than one day for all.")]
    return [
        _(
            "Dates are given from %(count)d purchases on, where buying within the horizon is more likely than not. "
            "Looking back, they were %(error)s days off on average, one day for all %(constant)s; %(cover)s %% lay "
            "within their window."
        )
        % {
            "count": timing.least_count,
            "error": f"{timing.mean_error:.1f}",
            "constant": f"{timing.constant_error:.1f}",
            "cover": f"{100 * timing.cover:.0f}",
        }
    ]


def _cautions(forecast: ItemForecast) -> list[str]:
    sentences = {
        "no_trees": no_trees_sentence(),
        "untested": _("There is too little history to look back and test the forecast."),
        "too_little": _("Too little was bought again to learn from: probabilities are those of the closed form."),
    }
    return [sentences[code] for code in forecast.cautions]
