"""Block schemas: the fields that one version of a type has."""
