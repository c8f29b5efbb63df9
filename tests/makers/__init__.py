"""What makes code and objects of text, by library."""
