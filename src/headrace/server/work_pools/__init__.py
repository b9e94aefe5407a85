"""Work pools: where runs are sent, and who comes for them (contract §3, §11.1)."""
