"""The commands around the "LSTM GLIF" study: `raphe import lstm-glif`, `raphe reproduce`."""

import argparse
from pathlib import Path

from raphe.core.command_line import add_overwrite, define
from raphe.core.files.outputs import CHECKPOINT
from raphe.core.parser import Parser


def add_import_lstm_glif(parser: Parser) -> None:
    define(
        parser,
        _import_lstm_glif,
        "The file holds the state_dict's arrays by their names there. Train on, or test, with the "
        "checkpoint as any other.",
    )
    parser.add_argument("file", type=Path, help="the .npz file")
    parser.add_argument("checkpoint", type=CHECKPOINT, help="the checkpoint to write (.ckpt)")
    add_overwrite(parser)
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


def add_reproduce(parser: Parser) -> None:
    define(
        parser,
        _reproduce,
        "Everything is computed: from the grid and the simulator alone, and with --published also "
        "from the study's own weights and losses. With --out reproduce.txt and .csv. Exit code: 0 "
        "done, 1 a file cannot be used (error: …), 2 wrong usage.",
    )
    parser.add_argument(
        "--published",
        type=Path,
        metavar="FOLDER",
        help="with weights.npz, noise2_first_250ms_digitised.npz and train_losses.npy",
    )


def _reproduce(options: argparse.Namespace) -> int:
    from raphe.core.claims import claims_text
    from raphe.tasks.glif.lstm_study.reproduce import reproduce, write

    findings = reproduce(options.published)
    print(claims_text(findings))
    if options.out is not None:
        print("wrote " + ", ".join(map(str, write(findings, options.out))))
    return 0
