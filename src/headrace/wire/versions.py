"""The versions by which clients and servers recognise each other (contract §1)."""

API_VERSION = "0.8.4"
"""The version of the REST contract, answered at `/version` and sent as `X-PREFECT-API-VERSION`."""

LEAST_API_VERSION = (0, 8, 0)
"""The oldest version of the contract that a request may ask for."""

PREFECT_VERSION = "3.8.8"
"""The Prefect release whose contract this is, answered at `/admin/version`: clients compare it with their own."""
