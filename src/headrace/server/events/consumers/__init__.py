"""Durable consumers of the log: each event is handled once for each of them, after the one it follows.

`consumer` is the machinery, `followers` keeps what waits for its leader, `entries` are events as consumers read them.
"""
