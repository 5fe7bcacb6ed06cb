"""Servers that keep what providers document: limits, errors, delays and refusals. They speak HTTP and SMTP for real."""
