"""Recording: task runs are orchestrated in their client, and its events are what makes and updates their rows.

`reports` reads one event, `folding` says what the rows become, `queries` and `service` write a batch.
"""
