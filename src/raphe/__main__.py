"""`python -m raphe` is the command `raphe`."""

import sys

from raphe.cli import main

sys.exit(main())
