#!/bin/bash
# One job of a Slurm array: EACH tasks of a phase of a run.
#
#     sbatch --array=0-$((JOBS - 1)) examples/cluster/task.sh RUN image EACH
#
# A fourth word is added to the number of each job of the array. Jobs that failed come back by their numbers, which
# must be below MaxArraySize, 1001 where it is Slurm's default (a larger EACH makes them so):
#
#     sbatch --array=$(simexm-gpu status RUN --missing image --each EACH) examples/cluster/task.sh RUN image EACH
#SBATCH --job-name=simexm-gpu
#SBATCH --cpus-per-task=1
#SBATCH --output=/dev/null
set -u
run=$1 phase=$2 each=${3:-1}
job=$((SLURM_ARRAY_TASK_ID + ${4:-0}))
first=$((job * each))
log=$run/log/$phase-$job.txt
mkdir -p "$run/log"
# 75 is worth another attempt (memory, disk, device), here and at once; 2 and 3 never are.
for attempt in 1 2 3; do
    simexm-gpu task "$run" "$phase" $first..$((first + each)) --threads "$SLURM_CPUS_PER_TASK" >>"$log" 2>&1
    code=$?
    [ $code = 75 ] || exit $code
    sleep $((attempt * 5))
done
exit $code
