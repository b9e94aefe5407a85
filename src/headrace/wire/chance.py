"""Chance that is this package's own: `random.seed` in a user's code does not steer it, nor does it disturb theirs."""

import os
import random

CHANCE = random.Random()

if hasattr(os, "register_at_fork"):
    # A child that went on from its parent's state would draw the same numbers as its siblings.
    os.register_at_fork(after_in_child=CHANCE.seed)
