#!/bin/sh
# Builds the images that the manifests and Compose name, for the CPUs that Annoy is compiled for.
# Usage: deploy/build_images.sh [PREFIX]   PREFIX, such as registry.example/team/, goes before every image's name.
# With CUDA=1, the ranking image for GPUs too. With TORCH_INDEX=URL, training's torch comes from that index: without it,
# it comes with CUDA's libraries, gigabytes that training on CPUs has no use for.
set -eu

cd "$(dirname "$0")/.."
prefix=${1:-}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)

build() { # SERVICE TAG [BUILD ARGUMENTS]
    service=$1 tag=$2
    shift 2
    docker build --platform linux/amd64 --file "deploy/docker/$service.Dockerfile" --build-arg "VERSION=$version" "$@" \
        --tag "${prefix}winnow-$(echo "$service" | tr _ -):$tag" .
}

for service in gateway feature_store recall ranking; do
    build "$service" "$version"
done
build training "$version" --build-arg "TORCH_INDEX=${TORCH_INDEX:-}"
if [ "${CUDA:-0}" = 1 ]; then
    build ranking "$version-cuda" --build-arg GROUP=ranking-cuda
fi
