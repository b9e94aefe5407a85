"""When deployments run by themselves, as code says it: `Cron`, `Interval`, `RRule`.

>>> from headrace.schedules import Cron
>>> nightly.to_deployment("nightly", schedule=Cron("0 3 * * *", timezone="Europe/Vienna"))
"""

from headrace.sdk.schedules import Cron, Interval, RRule, Schedule

__all__ = ["Cron", "Interval", "RRule", "Schedule"]
