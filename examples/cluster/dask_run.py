"""A run in tasks on Dask: python examples/cluster/dask_run.py RUN, after `simexm-gpu plan CONFIG --write RUN`."""
import json, subprocess, sys
from dask.distributed import Client, LocalCluster

EACH = 10  # tasks of a call: a scheduler holds some 100,000 calls


def task(run, phase, first):
    subprocess.run(["simexm-gpu", "task", run, phase, f"{first}..{first + EACH}", "-q", "--threads", "1"], check=True)


if __name__ == "__main__":
    run = sys.argv[1]
    # On a cluster: dask_jobqueue.SLURMCluster(cores=1, memory="4GB"), and cluster.scale(jobs=100).
    client = Client(LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None))
    status = json.loads(subprocess.check_output(["simexm-gpu", "status", run, "--json"]))
    for phase in status["phases"]:
        calls = range(0, phase["tasks"], EACH)
        name = phase["phase"]
        client.gather(client.map(task, [run] * len(calls), [name] * len(calls), calls, retries=3, pure=False))
        if name != "image":
            subprocess.run(["simexm-gpu", "merge", run, name], check=True)
    subprocess.run(["simexm-gpu", "finish", run], check=True)
