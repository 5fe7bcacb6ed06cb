"""A readout in sentences that somebody without statistics can act on, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.console.formats import format_day, format_instant, format_value
from huitou.core.money import format_minor
from huitou.experiments.judging import BROKEN, FEWER, MORE, NONE, TOO_FEW, Comparison
from huitou.experiments.models import CONTROL, ENDED, HOLDOUT, RUNNING, STOPPED, TREATMENT, Experiment
from huitou.experiments.readout import FINAL, IN_PROGRESS, WAITING, Readout
from huitou.experiments.titles import told_title
from huitou.stats.estimate import Difference

STATES = {
    RUNNING: gettext_lazy("in progress"),
    ENDED: gettext_lazy("ended"),
    STOPPED: gettext_lazy("intake stopped"),
    IN_PROGRESS: gettext_lazy("in progress"),
    WAITING: gettext_lazy("waits for data"),
    FINAL: gettext_lazy("final"),
}
VERDICTS = {
    MORE: gettext_lazy("more came back"),
    FEWER: gettext_lazy("fewer came back"),
    NONE: gettext_lazy("no effect found"),
    TOO_FEW: gettext_lazy("too few customers"),
    BROKEN: gettext_lazy("not to be trusted"),
}
TONES = {MORE: "good", FEWER: "bad", NONE: "", TOO_FEW: "warn", BROKEN: "bad"}
_ARMS = {CONTROL: gettext_lazy("control"), TREATMENT: gettext_lazy("treatment")}


@dataclass(frozen=True)
class Sentence:
    """One thing to say, and whether it is the verdict, a caution or a remark: verdict, warn or note."""

    text: str
    tone: str = "note"


def arm_label(code: str) -> str:
    """The arm in words; other codes are the operator's own."""
    return str(_ARMS.get(code, code))


def title_of(experiment: Experiment) -> str:
    """What the experiment is called: the global holdout by its quarter, launches as they are called in the reader's
    language, others as the operator named them."""
    if experiment.kind == HOLDOUT:
        return _("Global holdout %(quarter)s") % {"quarter": experiment.title}
    return told_title(experiment.key) or experiment.title


def points(value: float) -> str:
    """A difference of rates in percentage points: +2.1."""
    return f"{value * 100:+.1f}"


def tell(readout: Readout, zone: ZoneInfo) -> list[Sentence]:
    """The verdict first, then what it cost and brought, then what to be careful about."""
    experiment = readout.experiment
    if readout.state == IN_PROGRESS:
        return [
            Sentence(_in_progress(experiment) % {"day": format_day(experiment.ends_at, zone)}, "verdict"),
            *_looks(readout, zone),
            *_balance(readout),
            *_spent(readout),
        ]
    if readout.state == WAITING:
        return [
            Sentence(
                _("The end has passed, but the facts reach only to %(at)s. The verdict comes with the next refresh.")
                % {"at": format_instant(readout.data_until, zone)},
                "verdict",
            )
        ]
    return [
        *_looks(readout, zone),
        *(sentence for compared in readout.comparisons for sentence in _compared(readout, compared)),
        *_balance(readout),
        *_remarks(readout),
    ]


def _in_progress(experiment: Experiment) -> str:
    if experiment.looks:
        return _("In progress until %(day)s. Before that day the arms are compared at the planned looks only.")
    return _(
        "In progress until %(day)s. Before that day the arms are not compared: whoever looks early and stops when it "
        "looks good takes chance for an effect."
    )


def _looks(readout: Readout, zone: ZoneInfo) -> Iterator[Sentence]:
    """What planned looks before the end showed, each with an interval that holds at all of them together."""
    early = readout.looks[: readout.experiment.looks]
    for look in early:
        for told in look.arms:
            named = {"number": look.number, "day": format_day(look.at, zone), "arm": arm_label(told.arm)}
            if told.difference is None or look.is_broken:
                yield Sentence(_("Look %(number)s on %(day)s: nothing can be said of the %(arm)s yet.") % named)
                continue
            named |= _points_of(told.difference)
            if told.verdict == MORE:
                text = _(
                    "Look %(number)s on %(day)s found that the %(arm)s came back more: %(points)s points (%(low)s to "
                    "%(high)s). That stands, whatever comes."
                )
            elif told.verdict == FEWER:
                text = _(
                    "Look %(number)s on %(day)s found harm in the %(arm)s: %(points)s points (%(low)s to %(high)s). "
                    "That stands, whatever comes: stop it."
                )
            else:
                text = _(
                    "Look %(number)s on %(day)s found nothing yet of the %(arm)s: %(points)s points (%(low)s to "
                    "%(high)s)."
                )
            yield Sentence(text % named, "verdict" if told.verdict in (MORE, FEWER) else "note")
    if readout.state == IN_PROGRESS and len(early) < readout.experiment.looks:
        yield Sentence(
            _("The next planned look is on %(day)s.")
            % {"day": format_day(readout.experiment.look_instants[len(early)], zone)}
        )


def _compared(readout: Readout, compared: Comparison) -> Iterator[Sentence]:
    yield Sentence(verdict_words(readout, compared), "verdict")
    if compared.rate is None or compared.verdict == BROKEN:
        return
    if compared.buyers and compared.verdict in (MORE, FEWER):
        yield Sentence(
            _("That is about %(count)s customers (%(low)s to %(high)s) beyond what they would have done untouched.")
            % {
                "count": f"{compared.buyers.estimate:+,.0f}",
                "low": f"{compared.buyers.low:+,.0f}",
                "high": f"{compared.buyers.high:+,.0f}",
            }
        )
    if compared.adjusted:
        yield Sentence(
            _(
                "With the noise of earlier purchases taken off the difference is %(points)s points (%(low)s to "
                "%(high)s)."
            )
            % _points_of(compared.adjusted.difference)
        )
    yield from _money(readout, compared)
    if compared.opt_outs and compared.opt_outs.low > 0:
        yield Sentence(
            _("More of the %(arm)s took back a consent than of the control: %(points)s points (%(low)s to %(high)s).")
            % ({"arm": arm_label(compared.arm)} | _points_of(compared.opt_outs)),
            "warn",
        )


def verdict_words(readout: Readout, compared: Comparison) -> str:
    """The verdict on one treatment as one or two sentences."""
    if compared.verdict == BROKEN:
        return _(
            "No verdict: the arms have not the sizes that they were drawn with, so something kept customers out of one "
            "of them. Find that first."
        )
    rates = {figures.arm: figures.rate for figures in readout.arms}
    if compared.verdict == TOO_FEW or compared.rate is None:
        return _("No verdict: an arm has too few customers to say anything.")
    named = {
        "arm": arm_label(compared.arm),
        "rate": format_value(rates[compared.arm], "rate"),
        "control": format_value(rates[CONTROL], "rate"),
    } | _points_of(compared.rate)
    if compared.verdict == NONE:
        found = _(
            "No effect was found: %(rate)s of the %(arm)s bought again and %(control)s of the control, %(points)s "
            "points (95 %% interval %(low)s to %(high)s)."
        )
        return " ".join([found % named, _seen(compared)]).strip()
    if compared.verdict == MORE:
        text = _(
            "It worked: %(rate)s of the %(arm)s bought again and %(control)s of the control, %(points)s points more "
            "(95 %% interval %(low)s to %(high)s)."
        )
    else:
        text = _(
            "It did harm: %(rate)s of the %(arm)s bought again and %(control)s of the control, %(points)s points "
            "(95 %% interval %(low)s to %(high)s)."
        )
    return text % named


def _seen(compared: Comparison) -> str:
    """How large an effect would have shown."""
    if compared.detectable is None:
        return _("With so few customers no effect could have been seen.")
    return _("An effect of %(points)s points or more would have been seen, four times out of five.") % {
        "points": f"{compared.detectable * 100:.1f}"
    }


def _points_of(difference: Difference) -> dict[str, str]:
    return {
        "points": points(difference.estimate),
        "low": points(difference.low),
        "high": points(difference.high),
    }


def _money(readout: Readout, compared: Comparison) -> Iterator[Sentence]:
    money = compared.money
    if money is None:
        return

    def amounts(difference: Difference) -> dict[str, str]:
        values = {"amount": difference.estimate, "low": difference.low, "high": difference.high}
        return {name: format_minor(round(value), readout.currency) for name, value in values.items()}

    yield Sentence(
        _("Revenue beyond the control, net of refunds: %(amount)s (95 %% interval %(low)s to %(high)s).")
        % amounts(money.revenue)
    )
    if money.margin is None:
        yield Sentence(_("What is left of it is not known: the margin is not set under Settings."))
    else:
        yield Sentence(_("Margin beyond the control: %(amount)s (%(low)s to %(high)s).") % amounts(money.margin))
    if money.cost_minor == 0:
        yield Sentence(_("It cost nothing, at the prices that its channels are set to."))
    elif money.cost_minor is not None:
        amount = format_minor(money.cost_minor, readout.currency)
        yield Sentence(_("It cost %(amount)s beyond the control.") % {"amount": amount})
    if money.cost_minor and money.net is not None:
        yield Sentence(
            _("What is left of the margin after that: %(amount)s (%(low)s to %(high)s).") % amounts(money.net)
        )
    if money.roi is not None:
        yield Sentence(
            _("Return on that cost: %(roi)s %% (%(low)s to %(high)s %%).")
            % {
                "roi": f"{money.roi.estimate * 100:+,.0f}",
                "low": f"{money.roi.low * 100:+,.0f}",
                "high": f"{money.roi.high * 100:+,.0f}",
            }
        )


def _spent(readout: Readout) -> Iterator[Sentence]:
    if readout.spent is not None and readout.spent.minor:
        amount = format_minor(readout.spent.minor, readout.currency)
        yield Sentence(_("So far it cost %(amount)s.") % {"amount": amount})
        yield from _doubtful(readout)


def _doubtful(readout: Readout) -> Iterator[Sentence]:
    if readout.spent is not None and readout.spent.doubtful_minor:
        amount = format_minor(readout.spent.doubtful_minor, readout.currency)
        yield Sentence(
            _("Of the cost, %(amount)s is for messages of which nobody knows whether they went out.")
            % {"amount": amount}
        )


def _balance(readout: Readout) -> Iterator[Sentence]:
    if readout.balance.is_broken:
        yield Sentence(
            _("The arms have not the sizes that they were drawn with (chance would do that once in %(rarely)s times).")
            % {"rarely": f"{1 / max(readout.balance.p_value, 1e-12):,.0f}"},
            "warn",
        )


def _remarks(readout: Readout) -> Iterator[Sentence]:
    yield from _doubtful(readout)
    touched = next((figures for figures in readout.arms if figures.arm == CONTROL and figures.reached), None)
    if touched:
        yield Sentence(
            _("%(count)s customers of the control were reached all the same.") % {"count": touched.reached}, "warn"
        )
    for figures in readout.arms:
        if figures.arm != CONTROL and figures.customers:
            yield Sentence(
                _(
                    "%(reached)s of the %(customers)s customers of the %(arm)s were really reached; all of them count, "
                    "as the control has nobody of whom that is known."
                )
                % {
                    "reached": f"{figures.reached:,}",
                    "customers": f"{figures.customers:,}",
                    "arm": arm_label(figures.arm),
                }
            )
    late = {f.arm: f.late_refunds_minor for f in readout.arms if f.late_refunds_minor}
    if late:
        told = ", ".join(f"{arm_label(arm)} {format_minor(amount, readout.currency)}" for arm, amount in late.items())
        yield Sentence(_("Refunds after the end, which the verdict does not know: %(amounts)s.") % {"amounts": told})
    if readout.mixed:
        yield Sentence(
            _("%(count)s joined customers had drawn different arms; each counts under its first.")
            % {"count": readout.mixed}
        )
    if readout.not_counted:
        yield Sentence(
            _("%(count)s customers were assigned too late for a whole window and are not counted.")
            % {"count": readout.not_counted}
        )
