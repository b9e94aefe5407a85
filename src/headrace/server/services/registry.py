"""The services there are. Loaded by a process that runs or lists them, and by nothing else."""

from headrace.server.history.service import Histories
from headrace.server.services.base import Service

SERVICES: tuple[type[Service], ...] = (Histories,)
