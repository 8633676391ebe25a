"""The coach service: whether it lets us in, what it serves, and in which version."""

import time

import grpc

import copa
from copa.coaching.transport import call_metadata, open_channel
from copa.config.schema import Config
from copa.doctor.findings import Finding, attempt
from copa.methods import method_named
from protos import coach_pb2, coach_pb2_grpc

TIMEOUT = 3.0


def check_coach(config: Config) -> list[Finding]:
    """Of the service at `coach.address`."""
    if not method_named(config.method.name).coach:
        return [Finding("coach", "skipped", f"method {config.method.name} has no coach")]
    return attempt("coach", _described, config)


def _described(config: Config) -> list[Finding]:
    address = config.coach.address
    metadata = call_metadata(address, config.coach)
    with open_channel(address, config.coach) as channel:
        stub = coach_pb2_grpc.CoachStub(channel)
        began = time.perf_counter()
        try:
            said = stub.Describe(coach_pb2.DescribeRequest(), timeout=TIMEOUT, metadata=metadata)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNAUTHENTICATED and not metadata:
                return [
                    Finding("coach", "skipped", f"{address} answers, and wants a token; coach.token_file names none")
                ]
            return [Finding("coach", "problem", _refusal(address, error))]
        seconds = time.perf_counter() - began
    findings = [Finding("coach", "ok", f"COPA {said.software} at {address} answers in {seconds * 1000:.0f} ms")]
    if said.software != copa.__version__:
        findings.append(
            Finding("coach version", "warning", f"the coach is COPA {said.software}, this is {copa.__version__}.")
        )
    wanted = {
        "task.name": (said.task, config.task.name),
        "method.T": (said.steps_between, config.method.T),
        "nets.width": (said.strategy_width, config.nets.width),
    }
    findings += [
        Finding("coach settings", "problem", f"{name} is {theirs} at the coach and {ours} here: give both the same.")
        for name, (theirs, ours) in wanted.items()
        if theirs != ours
    ]
    if not said.version:
        findings.append(
            Finding("coach weights", "warning", "it has no weights yet: it waits for the learner to publish some.")
        )
    return findings


def _refusal(address: str, error: grpc.RpcError) -> str:
    code, details = error.code(), error.details()
    remedies = {
        grpc.StatusCode.UNAUTHENTICATED: "coach.token_file here and at the coach must hold the same token",
        grpc.StatusCode.UNAVAILABLE: "start it, or correct coach.address, coach.transport and the certificates",
        grpc.StatusCode.DEADLINE_EXCEEDED: f"it did not answer within {TIMEOUT:g} s",
    }
    return f"{address}: {code.name} ({details}): {remedies.get(code, 'see the log of the coach')}."
