"""Events: what clients report happened, over `POST /events` and the WebSocket `/events/in` (contract §6)."""
