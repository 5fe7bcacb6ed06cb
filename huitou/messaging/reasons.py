"""Why a touch went out, did not, or not yet: the codes that are stored, and their words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

YES, NO, WAIT = "yes", "no", "wait"

REASONS: dict[str, str | Promise] = {
    "allowed": gettext_lazy("allowed"),
    "unknown_customer": gettext_lazy("the customer is not known"),
    "erased": gettext_lazy("the customer was erased"),
    "no_consent": gettext_lazy("no consent for this channel and purpose"),
    "no_identifier": gettext_lazy("nothing is known by which the channel could reach the customer"),
    "address_dead": gettext_lazy("mail to the address came back for good"),
    "no_account": gettext_lazy("no account of this channel is set up"),
    "account_paused": gettext_lazy("the channel's account is paused or refused by the provider"),
    "source_paused": gettext_lazy("its launch is paused"),
    "held_out": gettext_lazy("in the global holdout: left untouched on purpose"),
    "quiet_hours": gettext_lazy("quiet hours"),
    "best_time": gettext_lazy("waits for the hours in which the customer is active"),
    "cap_day": gettext_lazy("contacted as often today as is allowed"),
    "cap_week": gettext_lazy("contacted as often this week as is allowed"),
    "quota": gettext_lazy("the provider's quota is used up"),
    "duplicate": gettext_lazy("got the same content a short while ago"),
    "too_late": gettext_lazy("its time is over"),
    "content_ended": gettext_lazy("what it says is not valid any more"),
    "product_gone": gettext_lazy("it names a product that the catalog does not have"),
    "fatigue_gap": gettext_lazy("does not respond lately: contacted less often"),
    "fatigue_stop": gettext_lazy("did not respond for a long time: marketing stopped"),
    "opt_outs_high": gettext_lazy("too many customers opt out at the moment: marketing stopped"),
    "ready_for_list": gettext_lazy("ready for the next hand-off list"),
    "provider_retry": gettext_lazy("the provider refused for now; tried again later"),
    "provider_refused": gettext_lazy("the provider refused for good"),
    "next_channel": gettext_lazy("refused on one channel; the next one is tried"),
    "no_answer": gettext_lazy("nobody knows whether it arrived: the provider did not answer"),
    "worker_lost": gettext_lazy("nobody knows whether it arrived: the process ended while it was sent"),
    "worker_lost_before": gettext_lazy("the process ended before it was sent; it is tried again"),
    "changed_before_sending": gettext_lazy("no longer allowed when it was about to be sent"),
    "cancelled": gettext_lazy("taken back before it was sent"),
    "way_ended": gettext_lazy("the customer reached the goal or left the journey before it was sent"),
    "operator_sent": gettext_lazy("an operator decided that it was sent"),
    "operator_not_sent": gettext_lazy("an operator decided that it was not sent"),
    "operator_again": gettext_lazy("an operator had it sent again"),
    "next_channel_instead": gettext_lazy("taken back before a member sent it; the next channel took over"),
    "recall_refused": gettext_lazy("was to be taken back, and had gone out already"),
    "recall_unanswered": gettext_lazy("was to be taken back; the provider never said whether it did"),
    "task_recalled": gettext_lazy("its task was taken back for somebody else; a new one is made"),
    "reported_failed": gettext_lazy("the provider reported that it could not be delivered"),
}


def reason_words(code: str) -> str:
    """The reason in the reader's language; a code nobody knows is shown as it is."""
    return str(REASONS.get(code, code))


def number_words(numbers: Mapping[str, Any]) -> list[str]:
    """What was counted, in words, in the order of the checks."""
    said = []
    if "day_used" in numbers:
        said.append(_("today %(used)s of %(limit)s") % {"used": numbers["day_used"], "limit": numbers["cap_day"]})
    if "week_used" in numbers:
        said.append(_("this week %(used)s of %(limit)s") % {"used": numbers["week_used"], "limit": numbers["cap_week"]})
    if "quota_used" in numbers:
        said.append(
            _("quota %(code)s: %(used)s of %(limit)s")
            % {"code": numbers["quota"], "used": numbers["quota_used"], "limit": numbers["quota_limit"]}
        )
    if "quiet_from" in numbers:
        said.append(_("quiet from %(start)s to %(end)s") % {"start": numbers["quiet_from"], "end": numbers["quiet_to"]})
    if "unanswered" in numbers:
        said.append(_("%(count)s contacts in a row without a response") % {"count": numbers["unanswered"]})
    if "days_since_same" in numbers:
        said.append(_("the same %(days)s days ago") % {"days": numbers["days_since_same"]})
    if "products" in numbers:
        said.append(_("not in the catalog: %(codes)s") % {"codes": ", ".join(map(str, numbers["products"]))})
    if "opt_out_bp" in numbers:
        said.append(_("%(rate).2f %% opt out") % {"rate": numbers["opt_out_bp"] / 100})
    return said
