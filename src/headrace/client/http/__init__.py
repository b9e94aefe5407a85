"""HTTP as the client needs it: the standard library's, with a pool, patience and credentials around it."""
