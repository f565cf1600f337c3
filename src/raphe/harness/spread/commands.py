"""`raphe spread`: the shares of one command as several jobs, then the call that joins them."""

import argparse
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from raphe.core.command_line import define, list_out, number_of_threads
from raphe.core.errors import UsageError
from raphe.core.files.outputs import Output
from raphe.core.jobs.shares import MOST, OPTION
from raphe.core.parser import Parser
from raphe.core.sentences import counted, listed
from raphe.harness.spread.share_command import command_of

PLACES = ("here", "slurm")
LOGS = "raphe-spread"


def add_spread(parser: Parser) -> None:
    define(
        parser,
        _spread,
        f"COMMAND is any that has {OPTION}, without `raphe`: spread --jobs 40 predict recordings "
        f"--bundle B --out verdicts. Each job gets {OPTION} K/N. Once all have made their share "
        "the command is called without it, which joins them, and gives the exit code. Where a job "
        "fails, the others go on and nothing is joined: the same command again makes what is "
        "missing. Ctrl-C ends the jobs.",
    )
    parser.add_argument(
        "--jobs",
        type=number_of_threads,
        required=True,
        metavar="N",
        help=f"how many shares, at most {MOST}",
    )
    parser.add_argument(
        "--on",
        choices=PLACES,
        default=PLACES[0],
        help="this machine, or the SLURM cluster that it belongs to, where INPUT and --out are on "
        "a disk that all nodes see; needs raphe[slurm] (default: %(default)s)",
    )
    parser.add_argument(
        "--at-once",
        type=number_of_threads,
        metavar="N",
        help="jobs at work at a time, at most (default: here one a core, on SLURM as "
        "array_parallelism has it)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of SLURM's jobs, as hydra.launcher.NAME of hydra/launcher=slurm: partition=long, "
        "timeout_min=60; may be given several times",
    )
    parser.add_argument(
        "--logs",
        type=Output.FILLED,
        default=Path(LOGS),
        metavar="DIR",
        help="what each job prints (default: %(default)s)",
    )
    parser.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="COMMAND", help="with its arguments"
    )


def _spread(options: argparse.Namespace) -> int:
    if options.command[:1] == ["--"]:
        del options.command[0]
    _require_one_command(options)
    if options.on == "slurm":
        from raphe.harness.spread.cluster import run_on_slurm

        ends = run_on_slurm(
            options.command, options.jobs, _settings(options), options.at_once, options.logs
        )
    else:
        from raphe.harness.spread.local import run_here

        ends = run_here(options.command, options.jobs, options.at_once, options.logs)
    failed = [end for end in ends if not end.is_made]
    if failed:
        list_out("shares that were not made", failed)
        print(
            f"{len(ends) - len(failed)} of {counted('share', len(ends))} made, nothing joined; the "
            "same command makes the others"
        )
        return 1
    print(f"{counted('share', len(ends))} made; joining them", flush=True)
    return subprocess.run(command_of(options.command)).returncode


def _require_one_command(options: argparse.Namespace) -> None:
    """Raises UsageError where there is none, or one that says itself what its share is."""
    if not options.command or options.command[0].startswith("-"):
        raise UsageError(
            "COMMAND: expected one that is to be divided, after the options of spread, as "
            "`raphe spread --jobs 40 predict recordings --bundle B --out verdicts`"
        )
    if any(word.partition("=")[0] == OPTION for word in options.command):
        raise UsageError(f"{OPTION}: each job gets its own; leave it out")
    if options.jobs > MOST:
        raise UsageError(f"--jobs: expected at most {MOST}, got {options.jobs}")
    if options.set and options.on != "slurm":
        raise UsageError(f"--set {options.set[0]}: is of SLURM's jobs; add --on slurm")


def _settings(options: argparse.Namespace) -> Mapping[str, Any]:
    """The launcher's settings with those given. Raises UsageError for one that there is not."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from raphe.harness.settings.configuration import conf_folder
    from raphe.harness.slurm.queue import require_submitit

    require_submitit("--on slurm")
    settings: Any = OmegaConf.load(conf_folder() / "hydra" / "launcher" / "slurm.yaml")
    del settings["_target_"], settings["detach"]
    known = sorted(map(str, settings))
    OmegaConf.set_struct(settings, True)
    OmegaConf.set_struct(settings.sbatch, False)
    for given in options.set:
        try:
            settings.merge_with(OmegaConf.from_dotlist([given]))
        except OmegaConfBaseException:
            raise UsageError(
                f"--set {given}: expected NAME=VALUE of {listed(known)}, got another"
            ) from None
    values: Any = OmegaConf.to_container(settings)
    return {name: values[name] for name in known}
