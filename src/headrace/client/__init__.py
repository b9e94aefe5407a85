"""The typed client of the API, and the transports it speaks over."""
