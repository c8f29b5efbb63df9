"""What each kind of event holds, one module for each file of programs in probes/bpf. Pure: bytes in, fields out."""
