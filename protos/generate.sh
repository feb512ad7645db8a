#!/bin/sh
# Generates what Python needs of the contracts, beside them or in a folder: generate.sh [OUT].
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

# The Open Inference Protocol belongs to others, so it is no part of the linted module here, and it becomes a descriptor
# instead of stubs: stubs would claim its names in the process (services/ranking/open_inference/messages.py).
oip=../services/ranking/open_inference
"$python" -m grpc_tools.protoc -I"$oip" --descriptor_set_out="${1:-$oip}/open_inference.binpb" open_inference.proto
