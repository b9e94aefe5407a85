"""`/x/stream`: many subscriptions on one WebSocket, each resumable behind a cursor (docs/guide/streams.md)."""
