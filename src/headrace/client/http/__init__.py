"""HTTP/1.1 as the client needs it: a few hundred lines on httptools and sockets."""
