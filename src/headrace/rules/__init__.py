"""Pure decisions: no I/O, no clock, no randomness. What they depend on comes in, what follows comes out, as values."""
