from pathlib import Path


def test_what_was_trained_with_other_settings_is_not_used(tmp_path: Path, monkeypatch):
    import simulated_ensemble

    commands = []
    monkeypatch.setattr(simulated_ensemble, "_run", lambda *command: commands.append(command))
    ensemble = simulated_ensemble.SimulatedEnsemble(folder=tmp_path)
    (tmp_path / ensemble.training.name / "spikes").mkdir(parents=True)
    assert ensemble.store.is_dir() and not commands
    other = simulated_ensemble.Training(split="day")
    simulated_ensemble.SimulatedEnsemble(other, tmp_path).store  # noqa: B018
    assert [command[3] for command in commands] == ["simulate", "extract"]


def test_networks_that_were_trained_are_used_again_and_exported_anew(tmp_path: Path, monkeypatch):
    import simulated_ensemble

    commands = []
    monkeypatch.setattr(simulated_ensemble, "_run", lambda *command: commands.append(command))
    ensemble = simulated_ensemble.SimulatedEnsemble(folder=tmp_path)
    (ensemble.home / "spikes").mkdir(parents=True)
    for _ in range(2):
        ensemble.bundle(tmp_path / "bundle")
    assert [command[1:3] for command in commands] == [
        ("train.py", "-m"),
        ("train.py", "stage=export"),
        ("train.py", "stage=export"),
    ]
