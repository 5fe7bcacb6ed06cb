"""Plays at work: found by name, previewed, launched, rehearsed over the past, and read out."""
