"""What MLflow's page says of a sweep."""

from raphe.harness.records.description import describe_run, describe_sweep, stores_text


def test_a_sweep_of_two_settings_has_a_run_for_each_combination() -> None:
    assert describe_sweep("sweep", {"a": ["1", "2"], "b": ["1", "2", "3"]}) == (
        "Sweep over 2 values of `a` (1,2) and 3 values of `b` (1…3), a run for each of 6 "
        "combinations."
    )
    assert describe_sweep("sweep", {"a": ["1", "2"]}).endswith("(1,2), a run for each.")


def test_a_run_without_stores_is_described_without_them() -> None:
    assert stores_text([]) == ""
    assert describe_run("", "", []).startswith("One network.\n\n`raphe train")
