"""The tests. gRPC's fork handlers can wait for each other for ever, and the apps of tests are forked beside clients."""

import os

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
