"""A SLURM on this machine: a controller and two nodes, one of them with a GPU that is none.

    python tests/cluster/local_slurm.py DIRECTORY      start it, and stop it with Ctrl-C

It needs root and the programs of slurm-wlm and munge, and neither systemd nor a database. SLURM looks for its
configuration in /etc/slurm, so that a link is made there, and taken away when it stops.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import pandas as pd
import yaml

PROGRAMS = ("munged", "munge", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
CONFIGURATION = Path("/etc/slurm")
MUNGE_KEY, MUNGE_SOCKETS = Path("/etc/munge/munge.key"), Path("/run/munge")
NODES = ("cpu1", "gpu1")
SECONDS = 30
PROFILE = Path(__file__).parents[2] / "profiles" / "slurm" / "config.yaml"
COLUMNS = {
    "job": "%i", "comment": "%k", "partition": "%P", "node": "%N", "state": "%T", "elapsed": "%M",
    "memory": "%m", "time_limit": "%l", "cpus": "%C", "gres": "%b",
}  # fmt: skip
TEMPLATE = """\
ClusterName=local
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation={directory}/controller
SlurmdSpoolDir={directory}/%n
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd-%n.pid
SlurmctldLogFile={directory}/slurmctld.log
SlurmdLogFile={directory}/slurmd-%n.log
SlurmctldPort={ports[0]}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MinJobAge=3600
GresTypes=gpu
NodeName=DEFAULT CPUs={cpus} RealMemory={memory} State=UNKNOWN
NodeName=cpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]}
NodeName=gpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} Gres=gpu:1
PartitionName=cpu Nodes=cpu1 Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=gpu1 MaxTime=INFINITE State=UP
"""


def why_not() -> str | None:
    """What is missing to start a SLURM here; None if nothing is."""
    if os.geteuid() != 0:
        return "only root can start a SLURM of its own"
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if missing:
        return f"{', '.join(missing)} not found: install the packages slurm-wlm and munge"
    if (CONFIGURATION / "slurm.conf").exists():
        return f"this machine has a SLURM already: {CONFIGURATION / 'slurm.conf'}"
    return None


class LocalSlurm:
    """A SLURM that runs while the block does.

    Parameters
    ----------
    directory : Path
        For its state and logs; made if need be.
    cpus, memory : int
        Of each of the two nodes, which share this machine and may say that it has more; memory in MB.
    """

    def __init__(self, directory: Path, cpus: int = 4, memory: int = 8000) -> None:
        self.directory = directory.resolve()
        self.cpus, self.memory = cpus, memory
        self._started: list[subprocess.Popen[bytes]] = []
        self._links: list[Path] = []

    def __enter__(self) -> LocalSlurm:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        for name in ("controller", *NODES):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        self._start_munge()
        ports = _free_ports(3)
        text = TEMPLATE.format(
            host=socket.gethostname().split(".")[0], directory=self.directory, ports=ports,
            cpus=self.cpus, memory=self.memory,
        )  # fmt: skip
        (self.directory / "slurm.conf").write_text(text)
        (self.directory / "fake_gpu").touch()
        (self.directory / "gres.conf").write_text(
            f"NodeName=gpu1 Name=gpu File={self.directory / 'fake_gpu'}\n"
        )
        CONFIGURATION.mkdir(exist_ok=True)
        for name in ("slurm.conf", "gres.conf"):
            (CONFIGURATION / name).symlink_to(self.directory / name)
            self._links.append(CONFIGURATION / name)
        self._background("slurmctld", "-D", "-i")
        for node in NODES:
            self._background("slurmd", "-D", "-N", node)
        self._wait_for("idle nodes", self._all_idle)

    def _start_munge(self) -> None:
        subprocess.run(["install", "-d", "-o", "munge", "-g", "munge", str(MUNGE_SOCKETS)], check=True)
        if not MUNGE_KEY.exists():
            MUNGE_KEY.parent.mkdir(parents=True, exist_ok=True)
            MUNGE_KEY.write_bytes(os.urandom(128))
            MUNGE_KEY.chmod(0o400)
            shutil.chown(MUNGE_KEY, "munge", "munge")
        if not self._munge_answers():
            self._background(
                "setpriv", "--reuid", "munge", "--regid", "munge", "--clear-groups", "munged", "--foreground"
            )
        self._wait_for("munge", self._munge_answers)

    def _all_idle(self) -> bool:
        return self.ask("sinfo", "-h", "-N", "-o", "%t").split() == ["idle"] * len(NODES)

    @staticmethod
    def _munge_answers() -> bool:
        return subprocess.run(["munge", "-n"], capture_output=True).returncode == 0

    def _background(self, *command: str) -> None:
        environment = dict(os.environ, PATH=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        with open(self.directory / f"{len(self._started)}.out", "wb") as log:
            self._started.append(
                subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
            )

    def _wait_for(self, what: str, there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            with suppress(subprocess.CalledProcessError):
                if there():
                    return
            if any(process.poll() is not None for process in self._started):
                break
            time.sleep(0.2)
        said = {path.name: path.read_text()[-500:] for path in self.directory.glob("*.out")}
        raise RuntimeError(f"waited in vain for {what}: {said}")

    def ask(self, *command: str) -> str:
        """What a program of SLURM prints."""
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def stop(self) -> None:
        """End all that was started, nodes first, and take the links away."""
        for process in reversed(self._started):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self._started):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for link in self._links:
            link.unlink(missing_ok=True)
        self._started, self._links = [], []


def chosen_profile(directory: Path) -> Path:
    """The shipped profile with the choices of this cluster: no accounting, and nodes of few CPUs."""
    chosen = r"set-resources:|  \w+:|    slurm_partition: gpu|    gres: .*|slurm_partition: cpu|slurm-.*: .*"
    choices = re.sub(rf"(?m)^(\s*)# ({chosen})$", r"\1\2", PROFILE.read_text())
    settings = yaml.safe_load(choices)
    assert settings["slurm-no-account"] is True
    settings["group-components"] = dict.fromkeys(settings["group-components"], 2)
    settings |= {"latency-wait": 5, "slurm-init-seconds-before-status-checks": 1}
    directory.mkdir(exist_ok=True)
    (directory / "config.yaml").write_text(yaml.safe_dump(settings))
    return directory


def job_table() -> pd.DataFrame:
    """All jobs that SLURM knows of, those that have ended too."""
    wanted = "|".join(COLUMNS.values())
    command = ["squeue", "--states=all", "--noheader", "--sort=i", f"--format={wanted}"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return pd.DataFrame([line.split("|") for line in out.splitlines()], columns=list(COLUMNS))


def _free_ports(n: int) -> list[int]:
    sockets = [socket.socket() for _ in range(n)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


if __name__ == "__main__":
    if problem := why_not():
        sys.exit(problem)
    with LocalSlurm(Path(sys.argv[1])) as slurm, suppress(KeyboardInterrupt):
        print(slurm.ask("sinfo", "-N", "-l"))
        signal.pause()
