"""The binding between HTTP and the nouns: routing, the ASGI application, WebSockets and OpenAPI."""
