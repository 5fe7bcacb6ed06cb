"""What customers and providers open without signing in: short links, the unsubscribe page, callback addresses."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from huitou.accounts.queries import find_brand
from huitou.core.clock import Clock, SystemClock
from huitou.core.errors import DomainError
from huitou.messaging.answering import take_callback
from huitou.messaging.channel import CLICKED, UNSUBSCRIBED, CallbackRequest, Receipt
from huitou.messaging.links import read_link, read_unsubscribe
from huitou.messaging.models import ShortLink, Touch
from huitou.messaging.receiving import take_receipts

_MOST_BYTES = 1024 * 1024


class _Target(HttpResponseRedirect):
    """A redirect to what was checked when it was stored."""

    allowed_schemes = ["http", "https"]  # noqa: RUF012 - as Django declares it


def _clock() -> Clock:
    brand = find_brand()
    return brand.clock if brand is not None else SystemClock()


@login_not_required
@require_safe
def follow_link(request: HttpRequest, told: str) -> HttpResponseBase:
    """Count the first click on a message's link and go on to where it was stored to lead; nowhere else."""
    code, clock = read_link(told), _clock()
    link = ShortLink.objects.filter(code=code, expires_at__gt=clock.now()).first() if code else None
    if link is None:
        return render(request, "messaging/link_gone.html", status=404)
    # Whoever only looks what is there (HEAD) has not clicked.
    if request.method == "GET":
        ShortLink.objects.filter(pk=link.pk).update(click_count=F("click_count") + 1)
        if link.clicked_at is None:
            ShortLink.objects.filter(pk=link.pk, clicked_at=None).update(clicked_at=clock.now())
            receipt = Receipt("", CLICKED, clock.now(), touch_id=link.touch_id)
            take_receipts([receipt], account=None, origin="link", clock=clock)
    answer = _Target(link.target)
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-store"
    return answer


@login_not_required
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, told: str) -> HttpResponse:
    """Ask once, then take the consent back at once. Mail programs send the form by themselves (RFC 8058).

    It needs no token against forgery: whoever knows the address may send it, and it does nothing else.
    """
    touch_id = read_unsubscribe(told)
    touch = Touch.objects.filter(pk=touch_id, person__erased_at=None).first() if touch_id else None
    if touch is None:
        return render(request, "messaging/link_gone.html", status=404)
    done = request.method == "POST"
    if done:
        clock = _clock()
        receipt = Receipt("", UNSUBSCRIBED, clock.now(), touch_id=touch.pk)
        take_receipts([receipt], account=None, origin="link", clock=clock)
    brand = find_brand()
    return render(
        request, "messaging/unsubscribe.html", {"done": done, "brand_name": brand.shown_name if brand else ""}
    )


@login_not_required
@csrf_exempt
@require_http_methods(["GET", "POST"])
def callback(request: HttpRequest, token: str) -> HttpResponse:
    """One address per channel account; its channel proves who calls and says what to answer."""
    if len(request.body) > _MOST_BYTES:
        return HttpResponse(status=413)
    asked = CallbackRequest(
        method=request.method or "GET",
        headers={name.lower(): value for name, value in request.headers.items()},
        query={name: values[-1] for name, values in request.GET.lists() if values},
        body=request.body,
    )
    try:
        result = take_callback(token=token, request=asked, clock=_clock())
    except DomainError:
        return HttpResponse(status=503)
    if result is None:
        return HttpResponse(status=404)
    return HttpResponse(result.body, status=result.status, content_type=result.content_type)


urlpatterns = [
    path("l/<str:told>", follow_link, name="message_link"),
    path("u/<str:told>", unsubscribe, name="message_unsubscribe"),
    path("callbacks/<str:token>", callback, name="channel_callback"),
]
