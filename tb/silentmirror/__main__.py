"""`python -m silentmirror COMMAND`: exit code 0 pass, 1 a check failed, 2 bad input."""

from __future__ import annotations

import sys

from silentmirror.cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
