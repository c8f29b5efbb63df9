"""The kernel side: eBPF programs, and the Python that loads them and decodes what they say."""
