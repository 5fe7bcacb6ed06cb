"""Tasks that are stopped before members confirm them; what members had confirmed by then went out."""

from __future__ import annotations

from collections.abc import MutableMapping

from huitou.messaging.channel import Address, NotTakenBackError
from huitou.messaging.channels.wecom.client import Client, WeComError
from huitou.messaging.channels.wecom.codes import wait_seconds
from huitou.messaging.channels.wecom.results import received_by


def stop_task(client: Client, company: str, task: str, memory: MutableMapping[str, object]) -> frozenset[Address]:
    """Stop a task and give the customers whose member had confirmed it.

    Who that was is asked after the stop, when nobody can confirm any more. Where that question is not answered the stop
    is remembered, since WeCom may refuse it a second time.

    Raises NotTakenBackError where WeCom refuses, and what `Client.ask` raises where nobody knows.
    """
    place = f"stopped:{task}"
    if place not in memory:
        try:
            client.ask("externalcontact/cancel_groupmsg_send", {"msgid": task})
        except WeComError as error:
            if wait_seconds(error.meaning) is not None:
                raise
            raise NotTakenBackError(str(error.code)) from error
        memory[place] = True
    return frozenset(Address("external_userid", company, customer) for customer in received_by(client, task))
