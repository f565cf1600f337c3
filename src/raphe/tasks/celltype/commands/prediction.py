"""The commands that judge new cells: `raphe predict` and `raphe watch`."""

import argparse
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from raphe.core.command_line import (
    add_content_hash,
    add_prevalence,
    define,
    left_out_code,
    list_out,
    printed_command,
    seconds,
)
from raphe.core.ending import Interrupted
from raphe.core.errors import RapheError, RecordingError, UsageError
from raphe.core.files.left_out import Failure
from raphe.core.files.outputs import Output
from raphe.core.jobs.shares import OPTION, Share, add_share
from raphe.core.parser import Parser
from raphe.core.progress import progress
from raphe.core.sentences import counted, printable
from raphe.core.statistics.decision import NOT_SURE
from raphe.tasks.celltype.stores.window_table import ColumnNames
from raphe.tasks.celltype.verdicts.verdict import (
    UNLIKE_TRAINING,
    CellVerdict,
    counts_sentence,
)

if TYPE_CHECKING:  # onnxruntime is loaded by those who predict alone
    from raphe.tasks.celltype.prediction.shares.verdict_shares import VerdictShares
    from raphe.tasks.celltype.prediction.verdict_files import VerdictFiles
    from raphe.tasks.celltype.prediction.verdict_folder import VerdictFolder, WatchedFolder
    from raphe.tasks.celltype.prediction.watch import News, Watch
    from raphe.tasks.celltype.verdicts.cell_input import CellInput, Reading
    from raphe.tasks.celltype.verdicts.judge import Judge

EXIT_CODES = (
    "Exit codes: 0 every cell has a verdict (also not sure, unlike training or no spikes), 1 some "
    "file could not be read or nothing was found, 2 wrong usage, 130 interrupted."
)


def add_predict(parser: Parser) -> None:
    define(
        parser,
        _predict,
        "Cuts the spikes as those of training were. A cell with weak evidence is listed as "
        f"{NOT_SURE!r}, one unlike any in training as {UNLIKE_TRAINING!r}. INPUT: .abf, "
        ".nwb, a recording of another rig that neo reads, the authors' single spikes (.csv), "
        "windows (.npy), a store of spikes, cell by cell. "
        "An array is one cell; of a bundle trained on given windows each row is a unit, unless "
        "--units names its cells. With --out a folder of pages, "
        f"index.html first, verdicts.csv and verdicts.json. {EXIT_CODES}",
    )
    _add_channel(parser)
    parser.add_argument(
        "--units",
        type=Path,
        metavar="TABLE",
        help="CSV table with a row for each row of one .npy array and a column of cell ids, as "
        "raphe import windows takes it: rows of one cell are judged together",
    )
    parser.add_argument(
        "--cell-column",
        default=ColumnNames.cell_id,
        metavar="NAME",
        help="column of the cell ids in that table (default: %(default)s)",
    )
    add_prevalence(parser)
    _add_no_pages(parser)
    add_share(parser)


def add_watch(parser: Parser) -> None:
    define(
        parser,
        _watch,
        "Says every few seconds whether each growing .abf file has spikes enough yet, and gives "
        "the verdict on each finished one. A half-written or locked file is waited for, and so is "
        "a folder that is gone for a while. With --out the verdicts are kept as raphe predict "
        "keeps them; the same command goes on there. Ctrl-C ends it. Exit code: 0, or 1 when some "
        "file is left out; 143 where SIGTERM ended it.",
    )
    parser.add_argument("folder", type=Path, help="where the acquisition program writes")
    parser.add_argument("--bundle", type=Path, required=True, help="folder made by raphe export")
    add_content_hash(parser)
    parser.add_argument(
        "--out", type=Output.FILLED, metavar="DIR", help="folder to keep the verdicts in"
    )
    _add_channel(parser)
    add_prevalence(parser)
    _add_no_pages(parser)
    parser.add_argument(
        "--every",
        type=seconds,
        default=3.0,
        metavar="S",
        help="seconds between looks (default: %(default)g)",
    )
    parser.add_argument(
        "--settled",
        type=seconds,
        default=10.0,
        metavar="S",
        help="a file not changed for so long is whole (default: %(default)g)",
    )


def _add_channel(parser: Parser) -> None:
    parser.add_argument("--channel", help="index, name or unit of the channel, as in raphe extract")
    parser.add_argument("--unit", help="of the channel or windows, for files that name none")


def _add_no_pages(parser: Parser) -> None:
    parser.add_argument("--no-pages", action="store_true", help="no pages: tables alone, sooner")


def _predict(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.prediction.shares.verdict_shares import VerdictShares
    from raphe.tasks.celltype.verdicts.cell_input import Reading
    from raphe.tasks.celltype.verdicts.find_cells import find_cells
    from raphe.tasks.celltype.verdicts.judge import Judge
    from raphe.tasks.celltype.verdicts.window_arrays import ArrayRows

    judge = Judge(options.bundle, options.threads, options.content_hash).at_prevalence(
        options.prevalence
    )
    of_rows = ArrayRows(judge.cut, options.units, options.cell_column)
    cells, left_out = find_cells(options.inputs, of_rows)
    reading = Reading(judge.cut, _channel(options.channel), options.unit)
    shares = None
    if options.out:
        units = options.units or "", options.cell_column
        pages = not options.no_pages
        shares = VerdictShares(
            options.out, judge, reading, options.inputs, units, pages, options.overwrite
        )
    if options.share is None:
        return _predict_all(options, judge, reading, cells, left_out, shares)
    if shares is None:
        raise UsageError(f"{OPTION}: shares are joined in a folder; name it with --out DIR")
    return _predict_share(options.share, cells, shares)


def _predict_share(share: Share, cells: "Sequence[CellInput]", shares: "VerdictShares") -> int:
    """Judge a share of the cells; those that cannot be read are told of by whoever joins them."""
    n_share, n_judged, n_unread = len(share.take(cells)), 0, 0
    results = shares.judge_share(cells, share)
    try:
        for result in progress(results, f"judging share {share}", total=n_share):
            n_unread += isinstance(result, Failure)
            n_judged += not isinstance(result, Failure)
    except KeyboardInterrupt:
        n_kept = n_share - len(shares.missing(cells, share))
        print(
            f"{printable(shares.folder)}: holds the {n_kept + n_judged} of "
            f"{counted('cell', n_share)} of this share that are judged; the same command goes on",
            file=sys.stderr,
        )
        raise
    there = n_share - n_judged - n_unread
    unread = f", {n_unread} could not be read" if n_unread else ""
    print(
        f"share {share}: {counted('cell', n_share)}, {n_judged} judged, {there} judged "
        f"before{unread}; kept in {printable(shares.folder)}"
    )
    print(f"next: once all {share.of} are made, the same command without {OPTION} joins them")
    return 0


def _predict_all(
    options: argparse.Namespace,
    judge: "Judge",
    reading: "Reading",
    cells: "Sequence[CellInput]",
    left_out: Iterable[Failure],
    shares: "VerdictShares | None",
) -> int:
    from raphe.tasks.celltype.prediction.verdict_folder import VerdictFolder

    failures, verdicts = list(left_out), list[CellVerdict]()
    folder = None
    if options.out and cells:  # a mistyped path leaves no empty verdicts to be overwritten
        folder = VerdictFolder(
            options.out, judge, cells, options.inputs, not options.no_pages, options.overwrite
        )
    try:
        with ExitStack() as stack, folder or nullcontext():
            for failure in failures:
                if folder:
                    folder.add(failure)
            results = shares.judge_all(cells, stack) if shares else judge.judge_all(cells, reading)
            for result in progress(results, "judging", total=len(cells)):
                if folder:
                    folder.add(result)
                if isinstance(result, Failure):
                    failures.append(result)
                    continue
                failures += result.left_out
                verdicts.append(result.verdict)
                print_verdict(result.verdict, judge.noun)
    except KeyboardInterrupt:
        if folder:
            print(_kept(folder, len(verdicts)), file=sys.stderr)
        raise
    if folder and shares:
        shares.drop()
    if verdicts:
        print(f"{counts_sentence(verdicts, judge.ensemble.classes)}.", flush=True)
    list_out("left out", failures)
    list_out("remarks", _remarks(verdicts))
    print_note(judge)
    if folder:
        _print_files(folder.path, folder.files)
    return left_out_code((len(failures), "input"))


def _print_files(path: Path, files: "VerdictFiles") -> None:
    print(f"{printable(path)}: {', '.join(files.names)}")
    print(f"next: {printed_command('open', path / files.shown_first)}")


def _kept(folder: "VerdictFolder", n_judged: int) -> str:
    """What became of an interrupted call's verdicts."""
    if not folder.is_kept:
        return f"{printable(folder.path)}: nothing was written"
    done = f"{n_judged} of {counted('cell', folder.n_asked)}"
    return f"{printable(folder.path)}: holds the {done} judged so far"


def _remarks(verdicts: Sequence[CellVerdict]) -> list[str]:
    """What is remarked on each cell; once what is remarked on all of several."""
    remarks = [dict.fromkeys((*verdict.unlike, *verdict.remarks)) for verdict in verdicts]
    of_all: list[str] = []
    if len(verdicts) > 1:
        of_all = [text for text in remarks[0] if all(text in others for others in remarks[1:])]
    return [
        *(f"all {counted('cell', len(verdicts))}: {text}" for text in of_all),
        *(
            f"{verdict.cell_id}: {text}"
            for verdict, texts in zip(verdicts, remarks, strict=True)
            for text in texts
            if text not in of_all
        ),
    ]


def _watch(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.prediction.verdict_folder import WatchedFolder
    from raphe.tasks.celltype.prediction.watch import Notice, Watch
    from raphe.tasks.celltype.verdicts.cell_input import Reading
    from raphe.tasks.celltype.verdicts.judge import Judge

    if not options.folder.is_dir():
        raise RecordingError(f"{options.folder}: there is no such folder to watch; check the path")
    judge = Judge(options.bundle, content_hash=options.content_hash).at_prevalence(
        options.prevalence
    )
    print_note(judge)
    reading = Reading(judge.cut, _channel(options.channel), options.unit)
    saved = None
    if options.out:
        how = {"channel": reading.channel, "unit": reading.unit}
        saved = WatchedFolder(options.out, judge, options.folder, how, not options.no_pages)
    judged = None if saved is None else saved.judged
    watch = Watch(options.folder, judge, reading, options.settled, judged)
    print(f"watching {printable(options.folder)}, Ctrl-C ends it", flush=True)
    # By file; of one that is locked, for as long as it is, that it is.
    results: dict[Path, CellVerdict | Failure] = saved.results if saved else {}
    not_saved, ended_by = "", int(signal.SIGINT)
    with saved.held() if saved else nullcontext():
        try:
            for news in watch.forever(options.every):
                if isinstance(news, Notice):
                    print(printable(news.text), file=sys.stderr, flush=True)
                    continue
                _print_news(news)
                if isinstance(news.result, Failure):
                    results[news.path] = news.result
                elif news.final:
                    results[news.path] = news.result.verdict
                if news.final and saved:
                    not_saved = _save(saved, watch, news, not_saved)
        except KeyboardInterrupt as interruption:
            print()  # what the terminal shows of Ctrl-C stands on a line of its own
            if isinstance(interruption, Interrupted):
                ended_by = interruption.number
    verdicts = [result for result in results.values() if not isinstance(result, Failure)]
    n_left_out = len(results) - len(verdicts)
    left_out = f"; {counted('file', n_left_out)} left out" if n_left_out else ""
    print(f"{counts_sentence(verdicts, judge.ensemble.classes)}{left_out}.", flush=True)
    if saved and saved.files.answers:
        _print_files(saved.path, saved.files)
    waiting = watch.waiting()
    if waiting:
        are, they_were, them = (
            ("is", "it was", "it") if len(waiting) == 1 else ("are", "they were", "them")
        )
        print(
            f"{counted('file', len(waiting))} {are} not judged yet, as {they_were} not seen "
            f"unchanged for {options.settled:g} s; the same command judges {them}",
            file=sys.stderr,
        )
    code = max(left_out_code((n_left_out, "file")), int(bool(not_saved)))
    # Ctrl-C is how a watch ends; whoever sends another signal is told that it was heeded.
    return code if ended_by == signal.SIGINT else 128 + ended_by


def _save(saved: "WatchedFolder", watch: "Watch", news: "News", told: str) -> str:
    """Keep a verdict; why that was not possible, which is told once and tried again, or ""."""
    try:
        saved.add(news.path, news.stamp, news.result)
    except (RapheError, OSError) as error:
        watch.judge_again(news.path)
        reason = str(error)
        if reason != told:
            print(f"warning: {printable(reason)}; it is tried again", file=sys.stderr, flush=True)
        return reason
    return ""


def _print_news(news: "News") -> None:
    result = news.result
    if isinstance(result, Failure):
        print(printable(result), flush=True)
    elif news.final:
        print_verdict(result.verdict)
        for remark in _remarks([result.verdict]):
            print(printable(f"    {remark}"), flush=True)
    else:
        _print_so_far(news.path, result.verdict)


def print_note(judge: "Judge") -> None:
    """What must be known beside every verdict of this bundle."""
    if judge.note:
        print(f"Note: {printable(judge.note)}", file=sys.stderr)
    for footnote in judge.footnotes:
        print(printable(footnote), file=sys.stderr)


def print_verdict(verdict: CellVerdict, noun: str = "spike") -> None:
    """A line for the verdict."""
    agree, n_votes = verdict.agreement
    line = f"{verdict.cell_id}: {verdict.verdict}"
    if verdict.n_spikes:
        line += f", p({verdict.leading}) {verdict.stated}, {counted(noun, verdict.n_spikes)}, "
        line += f"{agree} of {counted('vote', n_votes)}"
    print(printable(line), flush=True)


def _print_so_far(path: Path, verdict: CellVerdict) -> None:
    so_far = f"{path.name}: {verdict.duration_s or 0:.0f} s, {verdict.n_spikes} spikes so far"
    if verdict.n_spikes:
        so_far += f", p({verdict.leading}) {verdict.stated}"
    so_far += f"; {'enough' if verdict.enough_spikes else 'not yet enough'}"
    print(printable(so_far), flush=True)


def _channel(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.isdigit() else text
