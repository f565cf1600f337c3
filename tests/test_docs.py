"""The site: what its generated pages tell, and that its settings, commands and links are whole."""

import dataclasses
import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import benchmark_pages
import raphe
import shell_cells
import whole_site
from generated import commands, errors, files, metrics, python, settings
from generated.markdown import code, plain, table
from paths import PROJECT
from raphe.cli import declared_commands
from raphe.tasks.celltype.metrics import cell_level
from written_tables import undescribed

MADE = ("benchmarks", "notebooks")  # by the build, of what lies elsewhere
PAGES = [
    page
    for page in sorted((PROJECT / "docs").rglob("*.md"))
    if page.relative_to(PROJECT / "docs").parts[0] not in MADE
]
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)")  # to a file, without a place in it
# What a number without a unit is: counted, of something, or nothing but a number.
WITHOUT_UNIT = re.compile(
    r"how many|how much|share|factor|relative|learning rate|number of|least and most|"
    r"logarithm|of the GLIF model|cell to test on"
)


@pytest.mark.parametrize("name", [*settings.defining(), *settings.overriding()])
def test_every_setting_says_what_it_means_and_in_which_unit(name: str) -> None:
    known = set(settings.told())
    beside = settings.read_settings(name)
    for setting in beside:
        explained = settings.explained(setting)
        if setting.is_section:
            continue
        assert explained.meaning, f"conf/{name}.yaml: {setting.name} has no comment on its line"
        kind = settings.may_be(explained, beside)
        is_number = "number" in kind and not setting.name.endswith("seed")
        is_new = name in settings.defining() or setting.name not in known
        if is_number and is_new and not explained.unit:
            assert WITHOUT_UNIT.search(explained.meaning), (
                f"conf/{name}.yaml: {setting.name} has no unit: end its comment with one in "
                f"brackets, got {explained.meaning!r}"
            )


def test_a_comment_is_read_with_its_unit_and_the_lines_below() -> None:
    text = (
        "# of the file\n"
        "a: 1                # so wide (samples)\n"
        "part:               # of all\n"
        "  rate_hz: 1e3      # measured\n"
        "                    # or told\n"
        "  # of the next\n"
        "  path: null\n"
    )
    a, part, rate, path = settings.settings_of(text)
    assert (a.meaning, a.unit, settings.may_be(a)) == ("so wide", "samples", "a whole number")
    assert (part.meaning, part.is_section) == ("of all", True)
    assert (rate.name, rate.meaning, rate.unit) == ("part.rate_hz", "measured or told", "Hz")
    assert settings.may_be(rate) == "a number" and path.meaning == ""
    assert settings.may_be(path) == "text or `null`"


MAY_BE = {
    "data.batch_size": "a whole number from 1 up",
    "data.weigh": "`spikes` or `classes`",
    "data.store": "text or `null`",
    "data.folds": "`all`, a whole number from 2 up or `null`",
    "data.recipe.gain": "`recording` or a number from 0 up",
    "monitor.mode": "`min` or `max`",
    "trainer.max_epochs": "a whole number from 1 up",
    "export.checkpoints.register_as": "text or `null`",
}
MAY_BE_OF_THE_RUN = {
    "stage": "`train` or `export`",
    "threads": "a whole number from 1 up or `null`",
    "trainer.deterministic": "true, false or `warn`",
    "tracking.system_metrics_every_s": "a whole number or `null`",
    "export.register_as": "text or `null`",
    "export.champion": "`compare`, `move` or `keep`",
}
MAY_BE_OF_CALCIUM = {
    "export.conditioning": "a section",
    "evaluate.compare": "true or false",
    "model.latency_s": "a multiple of 0.04 s from 0 up or `null`",
    "data.held_out": "text, a whole number or `null`",
}


@pytest.mark.parametrize(
    ("files_of_conf", "expected"),
    [
        (("task/celltype",), MAY_BE),
        ((*settings.GENERAL, settings.EXPORT), MAY_BE_OF_THE_RUN),
        (("task/calcium",), MAY_BE_OF_CALCIUM),
        (
            ("task/glif",),
            {
                "data.unseen_family": "`noise`, `long_square`, `short_square`, `stairs`, "
                "`sine`, `ramp` or `chirp`"
            },
        ),
    ],
)
def test_a_setting_may_be_what_the_code_takes(
    files_of_conf: tuple[str, ...], expected: dict[str, str]
) -> None:
    beside = [setting for name in files_of_conf for setting in settings.read_settings(name)]
    by_name = {setting.name: setting for setting in reversed(beside)}  # those of the CPU
    for name, words in expected.items():
        assert settings.may_be(settings.explained(by_name[name], beside), beside) == words, name


def test_a_setting_whose_meaning_says_what_null_does_may_be_null() -> None:
    for name in settings.defining():
        beside = settings.read_settings(name)
        for setting in (settings.explained(one, beside) for one in beside):
            if re.search(r"(?<!with threshold_pa: )\bnull\b", setting.meaning):
                assert "`null`" in settings.may_be(setting, beside), (name, setting.name)


def test_a_setting_takes_the_meaning_of_the_one_it_follows() -> None:
    by_name = {setting.name: setting for setting in settings.read_settings("task/celltype")}
    assert (
        settings.explained(by_name["export.pooling"]).meaning == by_name["evaluate.pooling"].meaning
    )


def test_a_setting_that_follows_another_means_what_that_means_in_its_task() -> None:
    for task, meaning in (("celltype", "made by `raphe extract`"), ("lstm_glif", "an earlier run")):
        beside = settings.read_settings(f"task/{task}")
        by_name = {setting.name: setting for setting in beside}
        assert meaning in settings.explained(by_name["prepare.store"], beside).meaning
    assert settings.shown_value("???") == "none, it has to be given"


def test_the_page_of_commands_has_every_command_and_option() -> None:
    page = commands.page()
    for declared in declared_commands():
        command = declared.command
        assert f"raphe {command.verb}" in page
        if command.kind:
            assert f"#### raphe {command.verb} {command.kind}\n" in page
    assert "| `--threshold-pa PA` |" in page and "%(default)s" not in page


def test_the_page_of_metrics_has_a_table_for_each_task() -> None:
    page = metrics.page()
    assert all(title in page for title in metrics.TABLES) and "| `balanced_accuracy` |" in page


PUBLIC = [python.named(dotted) for classes in python.ANSWERS.values() for dotted, _ in classes]
ELSEWHERE = {"Any", "None", "Path", "Iterator", "Mapping"}  # types that have no entry there


def test_the_page_of_python_has_every_name_of_the_face() -> None:
    page = python.page()
    for name in raphe.__all__:
        assert name == "__version__" or re.search(rf":: raphe\.{name}$", page, re.M), name


@pytest.mark.parametrize(
    "public", [*PUBLIC, raphe.Recording, raphe.Store], ids=lambda public: public.__name__
)
def test_every_field_of_an_answer_has_a_meaning(public: type) -> None:
    described = dict(python.fields(public))
    if dataclasses.is_dataclass(public):
        assert set(described) == {field.name for field in dataclasses.fields(public)}
    assert all(meaning for _, meaning in described.values())


def test_whatever_comes_back_is_on_the_page_of_python() -> None:
    """Each type that a member gives back or a field holds."""
    page, given = python.page(), {"Recording", "Store"}
    for classes in python.ANSWERS.values():
        for dotted, members in classes:
            public = python.named(dotted)
            given |= {word for kind, _ in dict(python.fields(public)).values() for word in of(kind)}
            for name in members:
                member = inspect.getattr_static(public, name)
                function = member.fget if isinstance(member, property) else member
                assert inspect.getdoc(function), f"{dotted}.{name} says nothing"
                given |= of(str(function.__annotations__["return"]))
    for name in given - ELSEWHERE:
        assert re.search(rf"autoclass:: [\w.]*\.{name}$", page, re.M), name


def of(annotation: str) -> set[str]:
    return set(re.findall(r"\b[A-Z]\w+", annotation.removeprefix("<class '")))


def test_text_from_code_is_no_markdown() -> None:
    assert plain("a_b* of `x_y` [1]") == r"a\_b\* of `x_y` \[1\]"
    assert plain("one ` alone") == r"one \` alone"
    assert code("a`b") == "`` a`b ``"
    assert table(("a",), [("x\n|y",)]).splitlines()[-1] == r"| x \|y |"


@pytest.mark.parametrize(
    ("words", "prepare", "remedy"), errors.COMMON, ids=[remedy[:60] for *_, remedy in errors.COMMON]
)
def test_a_common_error_is_one_sentence(words: str, prepare: Callable, remedy: str) -> None:
    exit_code, printed = errors.answer(words, prepare)
    assert exit_code in (1, 2) and printed.startswith("error: ")
    assert len(printed.splitlines()) == 1 and "/tmp" not in printed


def test_files_have_the_columns_that_the_code_names() -> None:
    described = {(file.where, file.name): list(file.columns) for file in files.FILES}
    for file, columns in files.IN_CODE.items():
        assert described[file] == list(columns)
    page = files.page()
    assert "### `celltype/ensemble`" in page and "| `window.cut.pre_ms` | number | yes |" in page


def test_a_table_that_is_not_described_is_named(tmp_path: Path) -> None:
    run = tmp_path / "mlruns" / "artifacts" / "celltype" / "0a1b" / "artifacts"
    tables = {
        run / "test" / "headline.csv": ",".join(cell_level.COLUMNS),
        run / "intervals.csv": "metric,value,low,high,se",
        run / "test" / "new.csv": "metric",
        tmp_path / "store" / "cells.csv": "cell_id,label,day,animal,colour",
        tmp_path / "rates" / "spikes.csv": "trace,time_s",
        tmp_path / "brought.csv": "whatever",
    }
    for path, header in tables.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{header}\n")
    assert dict(undescribed(tmp_path, brought=["brought.csv"])) == {
        "mlruns/artifacts/celltype/0a1b/artifacts/test/new.csv": "metric",
        "store/cells.csv": tables[tmp_path / "store" / "cells.csv"],
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT).as_posix())
def test_links_of_a_page_lead_somewhere_in_a_clone(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), f"{link} is nowhere"


def test_links_to_results_lead_to_their_copies_in_the_site() -> None:
    text = "[a](../../benchmarks/results/shift.md#at) [b](../benchmarks/README.md) [c](shift.md)"
    linked = "[a](/benchmarks/shift.md#at) [b](/benchmarks/index.md) [c](shift.md)"
    assert benchmark_pages.to_copies(text) == linked


def test_what_is_wrong_with_a_page_is_told(tmp_path: Path) -> None:
    pages = {
        "index.html": '<link rel="canonical" href="https://a.org"><a href="in/b.html#here">b</a>'
        '<a href="https://a.org/c">c</a><img src="data:image/png;base64,AA">',
        "in/b.html": '<p id="here"><a href="../index.html#gone">a</a><a href="c.html">c</a>'
        '<script src="https://a.org/x.js"></script><img src="//a.org/y.png">',
    }
    (tmp_path / "in").mkdir()
    for name, text in pages.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "a.css").write_text("@font-face { src: url(https://a.org/f.woff) }")
    assert sorted(whole_site.faults(tmp_path)) == [
        "a.css: loads something from elsewhere",
        "in/b.html: ../index.html#gone: there is no such place on that page",
        "in/b.html: c.html leads nowhere",
        "in/b.html: loads //a.org/y.png from elsewhere; put it into the site",
        "in/b.html: loads https://a.org/x.js from elsewhere; put it into the site",
    ]


def test_what_a_page_prints_names_a_reader_s_folder_and_no_progress(tmp_path: Path) -> None:
    printed = (
        f"{tmp_path}/mlruns/mlflow.db: is being made, which takes some seconds\n"
        "sweep: 0 of 2 done: model.kernel=8 epoch 0/8, 30 s so far\n"
        "judging: 5 of 6 done, 31 s so far\n"
        f"{tmp_path}/spikes: 12 spikes of 2 cells\n"
    )
    shown = shell_cells.as_shown(printed, tmp_path)
    assert shown == f"{shell_cells.HOME}/spikes: 12 spikes of 2 cells\n"
