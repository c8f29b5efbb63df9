"""Programs that run with and without the agent in them, in the grammar of 2.7."""
