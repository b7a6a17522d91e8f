#!/bin/sh
# Make .venv and install the project into it, with the versions of constraints.txt.
# Usage: tools/environment.sh EXTRAS [PYTHON]. Nothing happens when nothing has changed since.
set -eu
cd "$(dirname "$0")/.."
extras=$1
asked=${2:-}
ours=.venv/bin/python
stamp=.venv/installed-$extras

version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo "not there"; }
suits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
kept() { suits "$ours" && { [ -z "$asked" ] || [ "$(version "$asked")" = "$(version "$ours")" ]; }; }
contents() { pwd && cat pyproject.toml constraints.txt; } # a checkout that was moved is installed again

if kept && contents | cmp -s - "$stamp"; then exit 0; fi

if ! kept || ! "$ours" -c 'import pip' 2>/dev/null; then
    python=
    for candidate in ${asked:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if suits "$candidate"; then python=$candidate && break; fi
    done
    if [ -z "$python" ]; then
        echo "Saga Lab needs Python 3.11 or newer; ${asked:-python3} is $(version "${asked:-python3}")." >&2
        echo "Say where a newer one is: make install PYTHON=/path/to/python" >&2
        exit 1
    fi
    echo "Making .venv with Python $(version "$python") ..."
    "$python" -m venv --clear .venv
fi
echo "Installing into .venv; the first time takes a minute or two ..."
"$ours" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[$extras]"
contents >"$stamp"
