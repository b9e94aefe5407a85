"""The server: one folder for each noun, one store, one HTTP binding."""
