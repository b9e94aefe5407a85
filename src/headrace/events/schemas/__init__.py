"""What events, automations and triggers are made of."""
