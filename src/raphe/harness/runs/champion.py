"""The champion of a registered model: the version that is served and taken where none is named.

A new version takes the older's place unless it is clearly worse on cells that neither was made
with. Every version stays registered, so the champion can be set back.
"""

from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from raphe.core.command_line import printed_command
from raphe.core.errors import SettingError
from raphe.core.files.kind import MANIFEST
from raphe.core.files.scratch import Scratch
from raphe.core.protocol import Comparison, Exported
from raphe.core.sentences import listed
from raphe.harness.database.patience import PatientClient
from raphe.harness.runs.artifacts import fetch_model
from raphe.harness.settings.composed import POLICIES
from raphe.harness.tracking import Tracker

CHAMPION = "champion"
DATA = "data"  # of a model as registry.register logs it: the folder that holds the bundle
COMPARED_TAG = "raphe.compared"  # of a version: what the comparison with the older one said


def check_policy(policy: str) -> str:
    """The same again. Raises SettingError for another than POLICIES."""
    if policy not in POLICIES:
        raise SettingError(f"export.champion={policy}: expected {listed(POLICIES, 'or')}")
    return policy


@dataclass(frozen=True)
class Crowned:
    uri: str  # of the new version: models:/NAME@champion, or by its number
    sentence: str  # what was done and why


def crown(tracker: Tracker, name: str, version: str, exported: Exported, policy: str) -> Crowned:
    """Make a new version the champion, or not.

    Args:
        policy: "compare": unless it is clearly worse than the champion; "move": whatever it is;
            "keep": the older stays.
    """
    client = tracker.client
    older = champion_of(client, name)
    comparison = None
    if older is not None and policy == "compare":
        comparison = _compared(client, name, older, exported)
        client.set_model_version_tag(name, version, COMPARED_TAG, comparison.sentence)
    reason = f" {comparison.sentence}" if comparison else ""
    stays = policy == "keep" or (comparison is not None and comparison.is_worse)
    if older is not None and stays:
        return Crowned(
            f"models:/{name}/{version}",
            f"Version {older} stays the champion of {name}, not the new version {version}.{reason} "
            f"To change that: {_command(tracker, name, version)}",
        )
    client.set_registered_model_alias(name, CHAMPION, version)
    uri = f"models:/{name}@{CHAMPION}"
    if older is None:
        return Crowned(uri, f"Version {version} of {name} is its first champion.")
    return Crowned(
        uri,
        f"Version {version} of {name} is the champion in place of version {older}.{reason} "
        f"To go back: {_command(tracker, name, older)}",
    )


def champion_of(client: MlflowClient | PatientClient, name: str) -> str | None:
    """The version that is the champion now; None: no version is."""
    try:
        return str(client.get_model_version_by_alias(name, CHAMPION).version)
    except MlflowException:
        return None


def set_champion(client: MlflowClient | PatientClient, name: str, version: str) -> str:
    """Make a version the champion; a sentence. Raises SettingError for what is not registered."""
    versions = sorted(
        (str(entry.version) for entry in client.search_model_versions(f"name='{name}'")), key=int
    )
    if not versions:
        names = sorted(model.name for model in client.search_registered_models())
        there = f"there are {listed(names)}" if names else "none is registered"
        raise SettingError(f"--champion {name}: no such model is registered; {there}")
    if version not in versions:
        raise SettingError(
            f"--champion {name} {version}: there is no such version; there are {listed(versions)}"
        )
    older = champion_of(client, name)
    if older == version:
        return f"Version {version} of {name} is the champion already."
    client.set_registered_model_alias(name, CHAMPION, version)
    before = f" in place of version {older}" if older else ""
    return f"Version {version} of {name} is the champion{before}."


def _compared(
    client: MlflowClient | PatientClient, name: str, older: str, exported: Exported
) -> Comparison:
    if exported.compare is None:
        return Comparison(
            "It was not compared with the older one: this export has no cells for that.", False
        )
    with Scratch() as scratch:
        try:
            bundle = _bundle_of(client, name, older, scratch)
        except (MlflowException, OSError, ValueError):
            return Comparison(
                "It was not compared with the older one, whose files are gone.", False
            )
        except SettingError as error:
            return Comparison(f"It was not compared with the older one: {error}.", False)
        return exported.compare(bundle)


def _bundle_of(
    client: MlflowClient | PatientClient, name: str, version: str, scratch: Path
) -> Path:
    """A copy of the bundle that a version holds."""
    folder = fetch_model(client, name, version, scratch)
    # Found by its manifest: MLmodel, which names code to load, is not asked.
    (manifest,) = folder.glob(f"{DATA}/*/{MANIFEST}")
    return manifest.parent


def _command(tracker: Tracker, name: str, version: str) -> str:
    return printed_command("raphe", "runs", "--champion", name, version, *tracker.options)
