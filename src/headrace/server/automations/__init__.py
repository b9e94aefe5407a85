"""Automations: triggers that watch the events, and the actions that follow (contract §8)."""
