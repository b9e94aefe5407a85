"""When triggers fire (contract §8): pure, from what is remembered and one event to what is remembered and the firings.

`leaves` tells which events a trigger looks at, `buckets` counts them in windows of time, `composites` puts the firings
of children together, `plans` holds what all enabled automations look for, and `ledgers` carries it through a batch.
"""
