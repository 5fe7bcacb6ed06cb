"""How good a forecast has been and what makes it less sure, in plain sentences."""

from __future__ import annotations

from django.utils.translation import gettext as _

from huitou.stats.buy_till_you_die.forecast import Forecast


def test_sentences(forecast: Forecast) -> list[str]:
    """One sentence for each look back of the model that was chosen."""
    return [
        _(
            "Looking back %(back)d days, %(model)s expected %(expected)s days with a purchase in the next %(days)d; "
            "there were %(happened)s (%(error)+.1f %%)."
        )
        % {
            "back": forecast.calendar.end - one.origin,
            "model": one.model,
            "days": one.horizon,
            "expected": f"{one.expected:,.0f}",
            "happened": f"{one.happened:,.0f}",
            "error": 100 * (one.expected / one.happened - 1) if one.happened else 0.0,
        }
        for one in forecast.tested
        if one.model == forecast.name
    ]


def no_trees_sentence() -> str:
    """What to do where LightGBM is not to be had."""
    return _(
        "LightGBM cannot be loaded, so forecasts stay with the simpler models; on Debian or Ubuntu install libgomp1."
    )


def caution_sentences(forecast: Forecast) -> list[str]:
    """What to know before these figures are trusted."""
    sentences = {
        "too_little": _("Too few customers have bought again to learn a rhythm: everybody is near the mean of all."),
        "untested": _("There is too little history to look back and test the forecast."),
        "no_trees": no_trees_sentence(),
        "no_season": _("Less than a year is known: the season ahead is not in these figures."),
        "one_season": _("Less than two years are known: what is season and what is growth cannot be told apart yet."),
    }
    return [sentences[code] for code in forecast.cautions]
