#!/bin/bash
# One job of a Slurm array: EACH tasks of a phase of a run.
#
#     sbatch --array=0-$((JOBS - 1)) examples/cluster/task.sh RUN image EACH
#
# Jobs that failed come back by their numbers, at most 1000 of them where MaxArraySize is Slurm's default:
#
#     sbatch --array=$(simexm-gpu status RUN --missing image --each EACH) examples/cluster/task.sh RUN image EACH
#SBATCH --job-name=simexm-gpu
#SBATCH --cpus-per-task=1
#SBATCH --output=/dev/null
set -u
run=$1 phase=$2 each=${3:-1}
first=$((SLURM_ARRAY_TASK_ID * each))
log=$run/log/$phase-$SLURM_ARRAY_TASK_ID.txt
mkdir -p "$run/log"
# 75 is worth another attempt (memory, disk, device), here and at once; 2 and 3 never are.
for attempt in 1 2 3; do
    simexm-gpu task "$run" "$phase" $first..$((first + each)) --threads "$SLURM_CPUS_PER_TASK" >>"$log" 2>&1
    code=$?
    [ $code = 75 ] || exit $code
    sleep $((attempt * 5))
done
exit $code
