"""The step that chooses the folder in which the flow runs."""

import os
from pathlib import Path


def set_working_directory(directory: str) -> dict[str, str]:
    """Go on in a folder; its absolute path is the output `directory`."""
    folder = Path(directory).expanduser()
    if not folder.is_dir():
        raise NotADirectoryError(
            f"there is no folder {folder.absolute()} on this machine: correct the path, or pull the code from "
            "a repository"
        )
    os.chdir(folder)
    return {"directory": str(Path.cwd())}
