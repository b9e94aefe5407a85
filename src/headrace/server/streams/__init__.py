"""Following what is written, live: events and log lines, over WebSockets (contract §2 and docs/guide/streams.md)."""
