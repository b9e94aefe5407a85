"""Limits on how much goes on at once: `headrace.concurrency.sync` for plain code, `.asyncio` for async code."""
