"""Settings as the variables that hand them to a child process."""

from headrace.settings.catalogue import catalogue, text_of
from headrace.settings.model import Settings


def to_environment(settings: Settings) -> dict[str, str]:
    """The variables that make another process load the same settings; defaults are left out.

    Secrets are in clear: the result is for `subprocess`, not for the eye.
    """
    return {
        setting.variable: text_of(value)
        for setting in catalogue().values()
        if (value := setting.value_from(settings)) != setting.default
    }
