# Generated from _async/__init__.py by scripts/unasync.py; change that file, not this one.
"""The typed client."""
