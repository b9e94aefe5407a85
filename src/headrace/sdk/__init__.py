"""The user's side: flows and tasks, the engine that runs them, and what it tells the API about them."""
