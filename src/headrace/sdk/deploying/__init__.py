"""Making deployments at the API, from code and from files."""
