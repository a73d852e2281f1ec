"""``python -m cbat`` is the same as ``cbat``."""

import sys

from cbat.cli import main

sys.exit(main())
