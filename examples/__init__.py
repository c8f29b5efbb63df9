"""Example apps and the people who use them. The shops are weak on purpose: never put them on a network."""
