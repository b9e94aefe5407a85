"""Carrying out what automations do when they fire: rows that are claimed, tried, tried again, and kept as history."""
