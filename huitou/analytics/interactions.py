"""Which events count as interactions: what a customer did of their own accord, other than buying.

An event counts unless it is named here, so that what a brand tracks under names of its own counts as well.
"""

from __future__ import annotations

import ibis

# What a person did; identify, alias and group calls only tell something.
DONE_KINDS = ("track", "page", "screen")

# Orders have a life of their own: features of purchases tell it.
_OF_ORDERS = (
    "Order Completed",
    "Order Updated",
    "Order Cancelled",
    "Order Refunded",
    "Checkout Completed",
)
# Things that were done to the customer, or that a machine reports.
_DONE_TO = (
    "Campaign Received",
    "Message Received",
    "Message Sent",
    "Message Delivered",
    "Message Failed",
    "Message Bounced",
    "Email Sent",
    "Email Delivered",
    "Email Bounced",
    "Push Notification Received",
    "Push Notification Bounced",
    "SMS Sent",
    "SMS Delivered",
    "SMS Failed",
    "Coupon Granted",
    "Coupon Expired",
    "Points Granted",
    "Points Expired",
    "Install Attributed",
    "Application Crashed",
    "Application Updated",
    "Staff Task Finished",
)
# What people do to be left alone is no sign that they are with us.
_TURNED_AWAY = ("Message Unsubscribed", "Message Complained")
NOT_INTERACTIONS = (*_OF_ORDERS, *_DONE_TO, *_TURNED_AWAY)

# Interactions that are visits, in the Segment spec's words.
VISITS = ("Page Viewed", "Screen Viewed", "Application Opened", "Product List Viewed", "Product Viewed")

# A message went out, and what its reader does with it: our own short links and replies, and those of other tools.
MESSAGE_SENT = "Message Sent"
MESSAGE_ANSWERS = ("Message Link Clicked", "Message Clicked", "Message Replied")


def interactions_of(rows: ibis.Table) -> ibis.Table:
    """The rows, of events or of days by event name, that are interactions."""
    return rows.filter(rows.name.notin(NOT_INTERACTIONS))
