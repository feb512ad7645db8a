#!/bin/sh
# Points `current` on the cluster's snapshot volume at a snapshot that is there: the way back from a bad one.
# Usage: deploy/activate_snapshot.sh SNAPSHOT_ID [NAMESPACE]
# A Job does it, made from the template of the training job, which alone may write the volume.
set -eu

usage="usage: deploy/activate_snapshot.sh SNAPSHOT_ID [NAMESPACE]"
snapshot=${1:?$usage}
namespace=${2:-winnow}
case $snapshot in
    *[!A-Za-z0-9._-]*) echo "$usage: an id has letters, digits, '.', '_' and '-' alone" >&2; exit 2 ;;
esac

job=activate-$(date +%s)
code="import pathlib, sys; from shared.snapshot.repository import SnapshotRepository as Snapshots; \
Snapshots(pathlib.Path(sys.argv[1])).activate(sys.argv[2])"
container=/spec/template/spec/containers/0
patch="[{\"op\": \"add\", \"path\": \"$container/command\", \"value\": [\"python\", \"-c\", \"$code\"]}, \
{\"op\": \"add\", \"path\": \"$container/args\", \"value\": [\"/var/lib/winnow/snapshots\", \"$snapshot\"]}]"

kubectl --namespace "$namespace" create job "$job" --from=cronjob/winnow-training --dry-run=client --output=json \
    | kubectl patch --local --filename=- --type=json --patch="$patch" --output=json \
    | kubectl --namespace "$namespace" create --filename=-
kubectl --namespace "$namespace" wait --for=condition=complete "job/$job" --timeout=120s \
    || { kubectl --namespace "$namespace" logs "job/$job" >&2; exit 1; }
