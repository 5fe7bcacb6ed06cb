"""What it means that a message reached somebody, and in time: one definition for tables and for counts."""

from __future__ import annotations

from datetime import timedelta

# States in which a message went out, and nobody reported that it failed.
REACHED_STATES = ("sent", "delivered", "read", "clicked")
# The step of an answer to a customer who was just added: nobody has to confirm it, whatever the channel.
WELCOME_STEP = "welcome"
# A message reaches somebody if it does so within the first of its planned moment, in time within the second, unless
# its planned window ends before.
REACHED_WITHIN = timedelta(days=7)
IN_TIME = timedelta(hours=24)
# What somebody does so long after being reached counts as an answer.
ACTED_WITHIN = timedelta(days=7)
# Not meant for customers, or not meant any more: tests, what was taken back, and what the holdout keeps untouched.
TEST_PREFIX, TAKEN_BACK, HELD_OUT = "test:", "cancelled", "held_out"
# The floors that operators hold their messages against, 0 to 1.
COVERAGE_FLOOR, TIMELINESS_FLOOR, ACTIVATION_FLOOR = 0.90, 0.80, 0.15
