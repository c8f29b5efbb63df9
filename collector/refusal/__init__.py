"""What a client hears whose request was stopped: decided here, played by the agent."""
