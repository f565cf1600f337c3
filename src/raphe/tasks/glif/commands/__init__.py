"""The `raphe` subcommands of this task: options in, one call, a summary out."""

import argparse
from pathlib import Path

from raphe.core.command_line import Subparsers, add_command
from raphe.tasks.glif.commands.prediction import add_infer_glif


def add_commands(subparsers: Subparsers) -> None:
    """Add every subcommand; each sets `run`, a function of its options that gives the exit code."""
    _add_import_lstm_glif(subparsers)
    add_infer_glif(subparsers)
    _add_reproduce(subparsers)


def _add_import_lstm_glif(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _import_lstm_glif,
        "import-lstm-glif",
        'turn published weights of the "LSTM GLIF" study (.npz) into a checkpoint',
        "The file holds the state_dict's arrays by their names there. Train on, or test, with the "
        "checkpoint as any other.",
    )
    parser.add_argument("file", type=Path, help="the .npz file")
    parser.add_argument("checkpoint", type=Path, help="the checkpoint to write (.ckpt)")
    parser.add_argument(
        "--check",
        type=Path,
        metavar="NPZ",
        help="noise2_first_250ms_digitised.npz: print what the weights answer for its voltage",
    )


def _import_lstm_glif(options: argparse.Namespace) -> int:
    from raphe.tasks.glif.lstm_study.study_files import answer, read_digitised
    from raphe.tasks.glif.lstm_study.weights_import import import_lstm_glif

    print(f"wrote {import_lstm_glif(options.file, options.checkpoint)}")
    if options.check is not None:
        for line in answer(options.checkpoint, read_digitised(options.check)):
            print(line)
    return 0


def _add_reproduce(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _reproduce,
        "reproduce-glif",
        'what the "LSTM GLIF" study\'s figures come to, and why (reproduce task=glif)',
        "Everything is computed: from the grid and the simulator alone, and with --published also "
        "from the study's own weights and losses. Exit code: 0 done, 1 a file cannot be used "
        "(error: …), 2 wrong usage.",
    )
    parser.add_argument(
        "--published",
        type=Path,
        metavar="FOLDER",
        help="with weights.npz, noise2_first_250ms_digitised.npz and train_losses.npy",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write reproduce.txt and .csv there"
    )


def _reproduce(options: argparse.Namespace) -> int:
    from raphe.core.claims import claims_text
    from raphe.tasks.glif.lstm_study.reproduce import reproduce, write

    findings = reproduce(options.published)
    print(claims_text(findings))
    if options.out is not None:
        print("wrote " + ", ".join(map(str, write(findings, options.out))))
    return 0
