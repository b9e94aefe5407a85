"""Pauses of flow runs that nobody ends."""
