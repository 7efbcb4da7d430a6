#!/bin/bash
# A whole run on Slurm: plan, survey, merge, images, finish, each after the one before.
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
survey=$(number survey_tasks) images=$(number image_tasks)
if [ "$survey" -gt 0 ]; then
    phase survey "$survey"
    job=$(submit --job-name=merge --output=/dev/null --wrap "simexm-gpu merge '$run' survey")
    wait=(--dependency=afterok:"$job")
fi
phase image "$images"
submit --job-name=finish --output="$run/finish.txt" --wrap "simexm-gpu finish '$run' --verify 0.001"
