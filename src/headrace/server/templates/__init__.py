"""Templates that users write: checked here before they are kept."""
