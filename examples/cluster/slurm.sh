#!/bin/bash
# A whole run on Slurm: plan, survey and scale with what is merged of each, images, finish, each after the one before.
#
#     examples/cluster/slurm.sh CONFIG RUN EACH [more for `plan`, such as --core 64]
#
# EACH tasks are done by a job. A job that fails for good keeps those that wait for it from starting.
set -eu
config=$1 run=$2 each=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
plan=$(simexm-gpu plan "$config" --write "$run" --json "$@")
number() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1" <<<"$plan"; }
last() { echo $((($1 + each - 1) / each - 1)); }
wait=()
submit() { sbatch --parsable --kill-on-invalid-dep=yes ${wait[@]+"${wait[@]}"} "$@"; }
# Array indices stay below Slurm's MaxArraySize, of 1001 by default: a phase of more jobs is several arrays.
phase() {
    local jobs=$(($(last "$2") + 1)) first ids=
    for ((first = 0; first < jobs; first += 1000)); do
        local more=$((jobs - first - 1))
        [ "$more" -lt 1000 ] || more=999
        ids=$ids:$(submit --array=0-"$more" "$here/task.sh" "$run" "$1" "$each" "$first")
    done
    wait=(--dependency=afterok"$ids")
}
for name in survey scale; do
    tasks=$(number ${name}_tasks)
    [ "$tasks" -gt 0 ] || continue
    phase $name "$tasks"
    job=$(submit --job-name=merge --output=/dev/null --wrap "simexm-gpu merge '$run' $name")
    wait=(--dependency=afterok:"$job")
done
phase image "$(number image_tasks)"
submit --job-name=finish --output="$run/finish.txt" --wrap "simexm-gpu finish '$run' --verify 0.001"
