"""Every REST route of the server, below the base path."""

from headrace.server.admin import routes as admin
from headrace.server.http.routing import Router

ROUTERS: tuple[Router, ...] = (*admin.routers,)
