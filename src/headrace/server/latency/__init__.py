"""How long requests take, as those who send them see it."""
