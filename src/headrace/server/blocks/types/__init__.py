"""Block types: the kinds of blocks there are."""
