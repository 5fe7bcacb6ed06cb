"""Feeds: what sends data, how fresh, complete and accurate it is, by counters kept for each day."""
