"""The door for events: `/v1/...` requests checked, stored durably in the inbox, and only then acknowledged."""
