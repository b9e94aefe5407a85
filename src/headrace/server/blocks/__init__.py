"""Blocks: their types, their schemas, and the documents that hold their values (contract §11.4)."""
