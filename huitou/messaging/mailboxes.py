"""Which answers of mail servers say that a mailbox is gone, and is not to be written again (RFC 3463, RFC 5321).

A server that refuses a receiver for what we are (5.7.1, a block list) says nothing about the mailbox: a brand that is
blocked for a day must not lose every customer at that provider.
"""

from __future__ import annotations

# No such mailbox, moved, switched off, no such domain, and "undelivered" of relays that say no more.
GONE = r"^(5\.(0\.0|1\.(0|1|2|3|4|6|10)|2\.1|4\.4)|551|553)$"
# Refused as a receiver without a status that says why. Most large providers in China say no more to a mailbox that does
# not exist, and the same to who sends too much: the second time, of another message, it counts.
UNSAID = "550"
# Before the codes of answers to the text, which are about what is said and not about who reads it.
OF_TEXT = "text "
