"""The command line: `python -m silentmirror sim|test|waves|lint`."""
