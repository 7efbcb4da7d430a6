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
submit() { sbatch --parsable --kill-on-invalid-dep=yes "${wait[@]}" "$@"; }
survey=$(number survey_tasks) images=$(number image_tasks)
if [ "$survey" -gt 0 ]; then
    job=$(submit --array=0-"$(last "$survey")" "$here/task.sh" "$run" survey "$each")
    wait=(--dependency=afterok:"$job")
    job=$(submit --job-name=merge --output=/dev/null --wrap "simexm-gpu merge '$run' survey")
    wait=(--dependency=afterok:"$job")
fi
job=$(submit --array=0-"$(last "$images")" "$here/task.sh" "$run" image "$each")
wait=(--dependency=afterok:"$job")
submit --job-name=finish --output="$run/finish.txt" --wrap "simexm-gpu finish '$run' --verify 0.001"
