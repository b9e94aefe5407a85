"""`/templates`."""

from headrace.rules import templates
from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.wire.errors import InvalidTemplate

router = Router(prefix="/templates", tag="Templates")


@router.post("/validate", status=204)
async def validate_template(ctx: Context, body: str = "") -> None:
    """Say nothing about a template that can be rendered; refuse another with the line at fault."""
    try:
        templates.check(body)
    except templates.TemplateError as error:
        raise InvalidTemplate(str(error), error.line, error.source) from error
