"""Journeys: published automations, their dated launches, and each customer's way through one."""
