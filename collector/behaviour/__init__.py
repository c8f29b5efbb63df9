"""What a service normally does, by the kernel's word, and what it does in a request for the first time."""
