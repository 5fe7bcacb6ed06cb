"""Every change to experiments: opening, assigning, closing, the global holdout's share, and the brand's margin."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.queries import get_brand
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock, SystemClock
from huitou.core.errors import DomainError
from huitou.experiments import sql
from huitou.experiments.exposures import Reached, record_exposures, write_exposures
from huitou.experiments.finding import arms_of
from huitou.experiments.holdout import WINDOW_DAYS, Quarter, quarter_after, quarter_of
from huitou.experiments.models import CONTROL, HOLDOUT, LAUNCH, MOST_LOOKS, RUNNING, Experiment, HoldoutShare, Margin
from huitou.stats.allocation import WHOLE_BP, Arm, Section

__all__ = [
    "ExperimentNotRunningError",
    "Reached",
    "assign",
    "close_experiment",
    "hold_out",
    "open_experiment",
    "record_exposures",
    "write_exposures",
]
# More than half held out for a quarter would be no holdout any more.
MOST_HELD_BP = 5000
# The audit log is about the people who work here: it tells the real time, also where the brand lives in its own.
_MACHINE = SystemClock()


class ExperimentTermsError(DomainError):
    """The terms of an experiment cannot be."""

    code = "experiment_terms"


class ExperimentFixedError(DomainError):
    """An experiment of that key was opened under other terms, which never change."""

    code = "experiment_fixed"
    status = 409


class ExperimentNotRunningError(DomainError):
    """Customers can only be assigned between the start and the end of an experiment that nobody closed."""

    code = "experiment_not_running"
    status = 409


class ShareInvalidError(DomainError):
    """A share or margin is out of range."""

    code = "share_invalid"


def open_experiment(
    *,
    key: str,
    arms: Mapping[str, int],
    window_days: int,
    starts_at: datetime,
    ends_at: datetime,
    clock: Clock,
    title: str = "",
    kind: str = LAUNCH,
    salt: str = "",
    outcome: str = "repurchase",
    looks: int = 0,
    actor: User | None = None,
    actor_label: str = "cli",
) -> Experiment:
    """Fix the terms of a comparison for ever: `arms` maps code to share in basis points, `control` among them.

    `looks` are planned looks before the end, evenly spaced between when the first window is over and the end.

    Opening the same again gives the first. Raises ExperimentTermsError for terms that cannot be,
    ExperimentFixedError if the key was opened under others.
    """
    shares = [Arm(code, share) for code, share in arms.items()]
    _check_terms(key, shares, window_days, starts_at, ends_at)
    _check_looks(looks, window_days, starts_at, ends_at)
    terms = {
        "kind": kind,
        "salt": salt or key,
        "arms": [[arm.code, arm.share_bp] for arm in shares],
        "outcome": outcome,
        "window_days": window_days,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "looks": looks,
    }
    with transaction.atomic():
        made, is_new = Experiment.objects.get_or_create(
            key=key, defaults={**terms, "title": title or key, "opened_at": clock.now(), "opened_by": actor}
        )
        if not is_new and any(getattr(made, name) != value for name, value in terms.items()):
            raise ExperimentFixedError(
                _("The experiment %(key)s was opened under other terms, which never change; open one of another key.")
                % {"key": key}
            )
        if is_new:
            record_audit(
                action="experiment.opened",
                clock=clock,
                actor=actor,
                actor_label=actor_label,
                target=key,
                detail={
                    "arms": [f"{arm.code} {arm.share_bp / 100:g} %" for arm in shares],
                    "window_days": window_days,
                    "starts_at": starts_at.isoformat(),
                    "ends_at": ends_at.isoformat(),
                    "looks": looks,
                },
            )
    return made


def _check_terms(key: str, arms: Sequence[Arm], window_days: int, starts_at: datetime, ends_at: datetime) -> None:
    if not key or len(key) > 100:
        raise ExperimentTermsError(_("An experiment needs a key of at most 100 characters."))
    if CONTROL not in {arm.code for arm in arms} or len(arms) < 2:
        raise ExperimentTermsError(_("An experiment needs a control arm and at least one other."))
    if sum(arm.share_bp for arm in arms) != WHOLE_BP or any(arm.share_bp < 0 for arm in arms):
        raise ExperimentTermsError(
            _("The shares of the arms must add up to 100 %%; they add up to %(sum)s %%.")
            % {"sum": f"{sum(arm.share_bp for arm in arms) / 100:g}"}
        )
    if window_days < 1:
        raise ExperimentTermsError(_("The outcome window must be at least one day."))
    if ends_at < starts_at + timedelta(days=window_days):
        raise ExperimentTermsError(
            _("The end must lie at least one outcome window of %(days)s days after the start.") % {"days": window_days}
        )


def _check_looks(looks: int, window_days: int, starts_at: datetime, ends_at: datetime) -> None:
    if not 0 <= looks <= MOST_LOOKS:
        raise ExperimentTermsError(_("Plan at most %(most)s looks before the end.") % {"most": MOST_LOOKS})
    room = ends_at - starts_at - timedelta(days=window_days)
    if looks and room < timedelta(days=looks + 1):
        raise ExperimentTermsError(
            _("Customers come in for %(days)s days: that is too short for so many looks, at least a day apart.")
            % {"days": room.days}
        )


def assign(
    experiment: Experiment, customer_ids: Collection[int], clock: Clock, *, actor_label: str = "worker"
) -> dict[int, str]:
    """The arm of every one of these customers, drawn and recorded before anything is sent.

    Whoever has an arm keeps it, after merges the earliest of its persons'. Set-wise: 100,000 take seconds.
    Raises ExperimentNotRunningError if somebody new comes before the start, after the end, or after closing.
    """
    customers = list(customer_ids)
    with transaction.atomic(), connection.cursor() as cursor:
        now = clock.now()
        cursor.execute(sql.LOCK_OPEN, {"experiment": experiment.pk, "now": now})
        if cursor.fetchone() is not None:
            cursor.execute(sql.ASSIGN, _assigning(experiment, customers, now))
            if cursor.rowcount:
                record_audit(
                    action="experiment.assigned",
                    clock=_MACHINE,
                    actor_label=actor_label,
                    target=experiment.key,
                    count=cursor.rowcount,
                )
        arms = arms_of(experiment, customers)
        if len(arms) < len(set(customers)):
            raise ExperimentNotRunningError(
                _("Nobody new can be assigned to the experiment %(key)s: it runs from %(start)s to %(end)s.")
                % {"key": experiment.key, "start": f"{experiment.starts_at:%Y-%m-%d}", "end": _end_of(experiment)}
            )
    return arms


def _assigning(experiment: Experiment, customers: list[int], now: datetime) -> dict[str, Any]:
    cut: tuple[Section, ...] = experiment.sections
    return {
        "experiment": experiment.pk,
        "customers": customers,
        "salt": experiment.salt,
        "codes": [section.code for section in cut],
        "lows": [section.low for section in cut],
        "highs": [section.high for section in cut],
        "now": now,
    }


def _end_of(experiment: Experiment) -> str:
    return f"{min(experiment.ends_at, experiment.closed_at or experiment.ends_at):%Y-%m-%d}"


def close_experiment(
    experiment: Experiment, *, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> None:
    """Assign nobody any more; whoever was assigned is watched to the end. Closing again changes nothing."""
    with transaction.atomic():
        now = clock.now()
        locked = Experiment.objects.select_for_update().get(pk=experiment.pk)
        if locked.state_at(now) != RUNNING:
            return
        locked.closed_at = experiment.closed_at = now
        locked.save(update_fields=["closed_at"])
        record_audit(
            action="experiment.closed", clock=_MACHINE, actor=actor, actor_label=actor_label, target=experiment.key
        )


def hold_out(customer_ids: Collection[int], *, clock: Clock) -> set[int]:
    """Of these customers those of the global holdout, whom nobody may contact; the draw of all of them is recorded.

    For whoever is about to contact them. Repeating gives the same within the quarter.
    """
    brand = get_brand()
    quarter = quarter_of(clock.now(), brand.tz)
    arms = assign(_open_holdout(quarter, clock), customer_ids, clock)
    return {customer for customer, arm in arms.items() if arm == CONTROL}


def _open_holdout(quarter: Quarter, clock: Clock) -> Experiment:
    """The quarter's experiment; its share is fixed by whoever comes first."""
    known = Experiment.objects.filter(key=quarter.key).first()
    return known or open_experiment(
        key=quarter.key,
        title=quarter.name,
        kind=HOLDOUT,
        arms={arm.code: arm.share_bp for arm in quarter.arms},
        window_days=WINDOW_DAYS,
        starts_at=quarter.starts_at,
        ends_at=quarter.ends_at,
        clock=clock,
        actor_label="worker",
    )


def set_holdout_share(
    *, share_bp: int, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> HoldoutShare:
    """Hold out so many customers from the next quarter on; this quarter's draw stands. 0 holds out nobody.

    Raises ShareInvalidError outside 0 to half of all customers.
    """
    if not 0 <= share_bp <= MOST_HELD_BP:
        raise ShareInvalidError(_("The global holdout can be 0 to 50 % of all customers."))
    with transaction.atomic():
        brand = get_brand()
        following = quarter_after(brand.now(), brand.tz)
        made = HoldoutShare.objects.create(
            share_bp=share_bp, first_day=following.first_day, at=clock.now(), actor=actor
        )
        record_audit(
            action="holdout.share_set",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=following.name,
            detail={"before": f"{following.share_bp / 100:g} %", "after": f"{share_bp / 100:g} %"},
        )
    return made


def set_margin(*, margin_bp: int | None, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> Margin:
    """Say what share of revenue is left after the cost of goods, in basis points; None: not known.

    Raises ShareInvalidError outside 0 to 100 %.
    """
    if margin_bp is not None and not 0 <= margin_bp <= WHOLE_BP:
        raise ShareInvalidError(_("The margin can be 0 to 100 % of revenue."))
    with transaction.atomic():
        made = Margin.objects.create(margin_bp=margin_bp, at=clock.now(), actor=actor)
        told = "" if margin_bp is None else f"{margin_bp / 100:g} %"
        record_audit(action="margin.set", clock=clock, actor=actor, actor_label=actor_label, detail={"margin": told})
    return made
