"""Flows that are loaded from where their code is kept: a repository, or a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from headrace.sdk.entrypoints import load_flow
from headrace.sdk.flow import Flow
from headrace.sdk.sources import CodeSource, source_of


class Origin(msgspec.Struct, frozen=True):
    """Where a flow was loaded from: `folder` holds the code of the `source` on this machine."""

    source: CodeSource
    entrypoint: str
    folder: Path


def flow_from(source: str | Path | CodeSource, entrypoint: str) -> Flow[..., Any]:
    """The flow of an entrypoint in a repository or a folder, which knows where it is from."""
    kept = source_of(source)
    folder = kept.fetch()
    flow = load_flow(entrypoint, folder).with_options()
    flow.origin = Origin(kept, entrypoint, folder)
    return flow
