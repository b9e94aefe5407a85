"""What a monitor wants to know of the server, in numbers, in the text form of Prometheus."""
