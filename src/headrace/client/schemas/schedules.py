"""When deployments run by themselves."""

from headrace.wire.schedules import CronSchedule, IntervalSchedule, RRuleSchedule, Schedule

SCHEDULE_TYPES = Schedule

__all__ = ["SCHEDULE_TYPES", "CronSchedule", "IntervalSchedule", "RRuleSchedule"]
