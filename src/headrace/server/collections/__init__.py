"""What is known of packages that are not installed: workers, blocks and flows by package (contract §11.1)."""
