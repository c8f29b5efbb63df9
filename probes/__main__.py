"""`python -m probes`."""

import sys

from probes.main import main

sys.exit(main())
