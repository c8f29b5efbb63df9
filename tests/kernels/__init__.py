"""Other kernels of the distribution, started in QEMU with this machine's files, and asked what they offer."""
