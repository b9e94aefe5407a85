"""The smallest flow; run as `python hello_flow.py headrace|prefect`."""

import importlib
import sys

flow = importlib.import_module(sys.argv[1]).flow


@flow
def hello(name: str = "world") -> str:
    return f"hello {name}"


hello()
