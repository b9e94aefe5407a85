"""Steps that deployments come with; `run_shell_script` in a file of deployments is the function of that name here."""

from headrace.sdk.steps.cloning import git_clone
from headrace.sdk.steps.folders import set_working_directory
from headrace.sdk.steps.packages import pip_install_requirements
from headrace.sdk.steps.shell import run_shell_script

__all__ = ["git_clone", "pip_install_requirements", "run_shell_script", "set_working_directory"]
