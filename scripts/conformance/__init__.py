"""Whether our API is the peer's, operation by operation: `make conformance`."""
