"""headrace beside its peer, Prefect, on this machine and in the same run: `python -m benchmarks --help`."""
