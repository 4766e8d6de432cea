#!/bin/sh
# Runs the arguments with the first Python 3.11, 3.12 or 3.13 on PATH (python3, when it is one of them).
for name in python3 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then
        exec "$name" "$@"
    fi
done
echo "silentmirror needs Python 3.11, 3.12 or 3.13 on PATH; python3 is: $(python3 -V 2>&1 || true)" >&2
exit 1
