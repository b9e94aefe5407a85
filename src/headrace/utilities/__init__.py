"""Public paths of small things that users import by name."""
