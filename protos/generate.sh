#!/bin/sh
# Generates the Python stubs and their type hints from the contracts: generate.sh [OUT], beside them by default.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here}
python=$(command -v "${PYTHON:-python3}")
python=$(cd "$(dirname "$python")" && pwd)/$(basename "$python")
PATH=$(dirname "$python"):$PATH # where the mypy plug-ins of protoc are
mkdir -p "$out"
cd "$here"
find winnow -name '*.proto' | sort | xargs "$python" -m grpc_tools.protoc -I. \
    --python_out="$out" --grpc_python_out="$out" --mypy_out="$out" --mypy_grpc_out="$out"
