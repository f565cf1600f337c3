"""A SLURM cluster of one node, this machine, of Debian's packages; absent, its tests skip."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest

from tracking_server import logged_in, tracking_server  # noqa: F401
from waiting import free_ports, wait_until

N_CPUS = 4  # told to SLURM, whatever there are: as many members are at work at once
CONFIG = """
ClusterName=raphe
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmUser=root
SlurmdUser=root
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={n_cpus} State=UNKNOWN
PartitionName=local Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen]:
    """SLURM's controller, which the commands of this process and its children find."""
    for program in ("slurmctld", "slurmd", "sbatch"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program}: apt-get install slurmctld slurmd slurm-client")
    if find_spec("submitit") is None:
        pytest.skip("there is no submitit: pip install 'raphe[slurm]'")
    if os.getuid() != 0:
        pytest.skip("SLURM's daemons are started by root alone")
    folder = tmp_path_factory.mktemp("slurm")
    (folder / "state").mkdir()
    (folder / "spool").mkdir()
    config = folder / "slurm.conf"
    host = socket.gethostname().partition(".")[0]
    config.write_text(CONFIG.format(host=host, folder=folder, ports=free_ports(2), n_cpus=N_CPUS))
    processes = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(config))
        try:
            for program in ("slurmctld", "slurmd"):
                with (folder / f"{program}.out").open("w") as out:
                    words = [program, "-D", "-f", str(config)]
                    processes.append(subprocess.Popen(words, stdout=out, stderr=out))
            wait_until(lambda: "idle" in _nodes(), processes[0])
            yield processes[0]
        finally:
            for process in reversed(processes):  # a node without its controller waits for it
                process.terminate()
                process.wait(timeout=60)


def _nodes() -> str:
    asked = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True, timeout=60)
    return asked.stdout


@pytest.fixture
def on_slurm() -> Callable[..., list[str]]:
    """The settings that put a sweep on the cluster, with few seconds between looks."""

    def settings(*more: str) -> list[str]:
        own = ("mem_gb=null", "cpus_per_task=1", "poll_s=0.5", *more)
        return ["hydra/launcher=slurm", *(f"hydra.launcher.{setting}" for setting in own)]

    return settings
