"""What the server does by itself: loops that tick, one class each (`base`), run by the server's process."""
