"""Many expressions in one pass, in time linear to the text."""
