"""An agent on grpcio with stubs that grpc_tools made from proto/: nothing of Killcord's.

It takes the steps of test/interop/containment.ts. The folder of the stubs is its argument.
"""

import json
import os
import queue
import sys
from urllib.parse import urlparse

sys.path.insert(0, sys.argv[1])

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from killcord.v1 import enforcement_pb2 as enforcement
from killcord.v1 import enforcement_pb2_grpc, session_pb2_grpc
from killcord.v1 import session_pb2 as session

channel = grpc.insecure_channel(urlparse(os.environ["KILLCORD_URL"]).netloc)
key = [("x-api-key", os.environ["KILLCORD_API_KEY"])]
sessions = session_pb2_grpc.SessionServiceStub(channel)
enforcer = enforcement_pb2_grpc.EnforcementServiceStub(channel)


def say(step, **seen):
    print(json.dumps({"step": step, **seen}), flush=True)


def word(enum, number, prefix):
    """VERDICT_ALLOW as allow."""
    return enum.Name(number).removeprefix(prefix).lower()


def intercept(session_id):
    return enforcer.Intercept(
        enforcement.InterceptRequest(
            session_id=session_id, action_type="transfer_funds", action_content="pay 5 to 4711"
        ),
        metadata=key,
    )


def verdict(answer):
    return word(enforcement.Verdict, answer.decision, "VERDICT_")


def start(**budgets):
    request = session.StartSessionRequest(agent_id="grpcio", budgets=session.Budgets(**budgets))
    return sessions.StartSession(request, metadata=key).session.session_id


bounded = start(max_actions=2)
answers = [intercept(bounded) for _ in range(3)]
say(
    "budget",
    verdicts=[verdict(answer) for answer in answers],
    stop_reason=word(session.StopReason, answers[2].stop_reason, "STOP_REASON_"),
)

watched = start(max_actions=100)
state = None
for update in sessions.WatchSession(session.WatchSessionRequest(session_id=watched), metadata=key):
    if not update.HasField("session"):
        continue
    if state is None:
        status = word(session.SessionStatus, update.session.status, "SESSION_STATUS_")
        say("watching", session_id=watched, status=status)
    state = update.session
say(
    "stopped",
    status=word(session.SessionStatus, state.status, "SESSION_STATUS_"),
    kill_reason=state.kill_reason,
    stop_reason=word(session.StopReason, state.stop_reason, "STOP_REASON_"),
    halt_id=state.halt_id,
)
after = verdict(intercept(watched))
acknowledged = sessions.AcknowledgeHalt(
    session.AcknowledgeHaltRequest(
        session_id=watched,
        halt_id=state.halt_id,
        phase=session.HALT_PHASE_STOPPED,
        evidence=session.HALT_EVIDENCE_TASKS_CANCELLED,
    ),
    metadata=key,
)
status = word(session.SessionStatus, acknowledged.session.status, "SESSION_STATUS_")
say("after", verdict=after, status=status)

try:
    sessions.KillSession(session.KillSessionRequest(session_id=start()), metadata=key)
except grpc.RpcError as error:
    info = error_details_pb2.ErrorInfo()
    for detail in rpc_status.from_call(error).details:
        detail.Unpack(info)
    say("refused", code=error.code().value[0], reason=info.reason, domain=info.domain)

streamed = start(max_actions=100)
requests = queue.SimpleQueue()
requests.put(enforcement.InterceptStreamRequest(open={"session_id": streamed}))
action = enforcement.InterceptRequest(action_type="transfer_funds")
requests.put(enforcement.InterceptStreamRequest(intercept={"ref": 7, "action": action}))
for answer in enforcer.InterceptStream(iter(requests.get, None), metadata=key):
    match answer.WhichOneof("message"):
        case "verdict":
            decision = verdict(answer.verdict.verdict)
            say("streaming", session_id=streamed, ref=answer.verdict.ref, verdict=decision)
        case "directive":
            directive = answer.directive
            say(
                "directive",
                kind=word(enforcement.DirectiveKind, directive.kind, "DIRECTIVE_KIND_"),
                reason=directive.reason,
                stop_reason=word(session.StopReason, directive.stop_reason, "STOP_REASON_"),
                halt_id=directive.halt_id,
            )
            stopped = enforcement.StreamAcknowledge(
                halt_id=directive.halt_id,
                phase=session.HALT_PHASE_STOPPED,
                evidence=session.HALT_EVIDENCE_TASKS_CANCELLED,
            )
            requests.put(enforcement.InterceptStreamRequest(acknowledge=stopped))
        case "acknowledged":
            phase = word(session.HaltPhase, answer.acknowledged.phase, "HALT_PHASE_")
requests.put(None)
say("confirmed", phase=phase)
