"""The versions that both sides name: of the API, and of the Prefect release whose contract it is (contract §1)."""

API = "0.8.4"
"""Sent as `X-PREFECT-API-VERSION` and answered by `/version`."""

LEAST_API = (0, 8, 0)
"""The oldest version of the API that a request may ask for."""

CONTRACT = "3.8.8"
"""Answered by `/admin/version`: clients of a later major version refuse to work with the server."""
