"""Carries the log of events to the triggers of automations, and their firings to the actions.

`plans` knows the automations that are switched on, `memory` keeps what their triggers remember, `triggers` follows the
log, `proactive` looks after windows in which nothing happens, and `trial` tells what a trigger would have done.
"""
