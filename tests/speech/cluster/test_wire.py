"""What goes to the replicas and back arrives as it was; and the command, where Ray is not."""

import importlib.util
import pickle

import pytest
from typer.testing import CliRunner

from bot.cluster_command import cluster
from speech import errors
from speech.cluster.up import run_cluster
from speech.cluster.wire import Failure, ReplicaSettings, failure_of
from speech.errors import EngineFailed, EngineUnavailable, OptionInvalid, SpeechError
from speech.server.settings import ServerSettings, read_engines

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, SpeechError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_an_engine_arrives_as_it_was(kind: type[SpeechError]) -> None:
    carried: Failure = pickle.loads(pickle.dumps(failure_of(kind("say this"))))
    assert type(carried.error) is kind
    assert str(carried.error) == "say this"


@pytest.mark.parametrize("error", [ValueError("wrong"), MemoryError(), KeyError("k")])
def test_what_no_engine_may_raise_is_its_failure(error: Exception) -> None:
    found = failure_of(error).error
    assert type(found) is EngineFailed
    assert type(error).__name__ in str(found)


@pytest.mark.parametrize("kind", ["ENGINE_FAILURES", "annotations", "SystemExit", "", "__doc__"])
def test_a_name_that_is_no_error_of_ours_is_a_failure_all_the_same(kind: str) -> None:
    assert type(Failure(kind, "what").error) is EngineFailed


def test_nobody_else_can_reach_it_without_a_token() -> None:
    with pytest.raises(OptionInvalid, match="no token"):
        run_cluster(ServerSettings(host="0.0.0.0"), read_engines(["espeak"]), {})


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is here")
def test_without_ray_it_says_how_to_get_it() -> None:
    settings = {"espeak": ReplicaSettings()}
    with pytest.raises(EngineUnavailable, match="make engine-cluster"):
        run_cluster(ServerSettings(), read_engines(["espeak"]), settings)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--engines", "nothing"], "there is no engine"),
        (["--engines", "espeak", "--token-file", "/no/such/file"], "can't be read"),
    ],
)
def test_wrong_words_are_named_before_ray_is_started(given: list[str], said: str) -> None:
    done = CliRunner().invoke(cluster, ["up", *given])
    assert isinstance(done.exception, OptionInvalid)
    assert said in str(done.exception)
