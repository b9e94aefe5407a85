"""Block documents: the values, encrypted where they are kept."""
