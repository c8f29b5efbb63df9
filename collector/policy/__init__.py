"""What is refused, and what is looked at: one versioned policy that can change while everything runs."""
