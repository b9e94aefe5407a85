"""For how long what is kept: policies, what they would remove, and the service that removes it."""
