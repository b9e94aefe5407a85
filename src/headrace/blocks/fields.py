"""Fields that are not shown."""

from headrace.sdk.secrets import Secret, SecretDict, SecretStr

__all__ = ["Secret", "SecretDict", "SecretStr"]
