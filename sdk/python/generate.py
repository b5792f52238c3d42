"""Writes killcord/_proto/descriptors.py from proto/: python sdk/python/generate.py [FILE].

The package carries the descriptors of the messages that it sends and reads, without options and
comments, and makes its classes from them in a pool of its own (killcord/_proto/__init__.py). So it
needs no protoc to be installed, imports nothing for validation or HTTP rules, fits every runtime of
protobuf from the lower bound in pyproject.toml up, and does not clash with another `killcord.v1` of
the same process. Needs grpcio-tools.
"""

import base64
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from textwrap import wrap

from google.protobuf import any_pb2, descriptor_pb2
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "sdk/python/killcord/_proto/descriptors.py"

#: What the package sends and reads; what these are made of comes with them.
WANTED = [
    "killcord.v1.StartSessionRequest",
    "killcord.v1.StartSessionResponse",
    "killcord.v1.GetSessionRequest",
    "killcord.v1.GetSessionResponse",
    "killcord.v1.HeartbeatRequest",
    "killcord.v1.HeartbeatResponse",
    "killcord.v1.EndSessionRequest",
    "killcord.v1.EndSessionResponse",
    "killcord.v1.AcknowledgeHaltRequest",
    "killcord.v1.AcknowledgeHaltResponse",
    "killcord.v1.WatchSessionsRequest",
    "killcord.v1.WatchSessionsResponse",
    "killcord.v1.InterceptRequest",
    "killcord.v1.InterceptResponse",
    "killcord.v1.SettleRequest",
    "killcord.v1.SettleResponse",
    "killcord.v1.CancelReservationRequest",
    "killcord.v1.CancelReservationResponse",
    "killcord.v1.GetEscalationStatusRequest",
    "killcord.v1.GetEscalationStatusResponse",
    "killcord.v1.WatchEscalationsRequest",
    "killcord.v1.WatchEscalationsResponse",
    "google.rpc.Status",
    "google.rpc.ErrorInfo",
]


def compiled() -> descriptor_pb2.FileDescriptorSet:
    """proto/ and what it imports, each file after those that it imports."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "all.binpb"
        status = protoc.main(
            [
                "protoc",
                f"--proto_path={ROOT / 'proto'}",
                f"--proto_path={ROOT / 'third_party'}",
                f"--proto_path={files('grpc_tools') / '_proto'}",
                "--include_imports",
                f"--descriptor_set_out={out}",
                "killcord/v1/session.proto",
                "killcord/v1/enforcement.proto",
                "killcord/v1/escalation.proto",
                "google/rpc/error_details.proto",
            ]
        )
        if status != 0:
            raise SystemExit(f"protoc: exit status {status}")
        found = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    any_pb2.DESCRIPTOR.CopyToProto(found.file.add())
    found.file.append(google_rpc_status())
    return found


def google_rpc_status() -> descriptor_pb2.FileDescriptorProto:
    """What gRPC puts into grpc-status-details-bin: google/rpc/status.proto, which nobody here imports."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="google/rpc/status.proto",
        package="google.rpc",
        syntax="proto3",
        dependency=["google/protobuf/any.proto"],
    )
    status = file.message_type.add(name="Status")
    optional, repeated = field.LABEL_OPTIONAL, field.LABEL_REPEATED
    status.field.add(name="code", number=1, type=field.TYPE_INT32, label=optional)
    status.field.add(name="message", number=2, type=field.TYPE_STRING, label=optional)
    status.field.add(
        name="details",
        number=3,
        type=field.TYPE_MESSAGE,
        label=repeated,
        type_name=".google.protobuf.Any",
    )
    return file


def needed(found: descriptor_pb2.FileDescriptorSet) -> set[str]:
    """The full names of all types that the wanted messages are made of."""
    types = {f".{file.package}.{each.name}": each for file in found.file for each in file.message_type}
    names: set[str] = set()
    waiting = [f".{name}" for name in WANTED]
    while waiting:
        name = waiting.pop()
        if name in names:
            continue
        names.add(name)
        message = types.get(name)
        if message is not None:
            inside = [message, *message.nested_type]
            waiting += [field.type_name for each in inside for field in each.field if field.type_name]
    return names


def pruned(found: descriptor_pb2.FileDescriptorSet) -> descriptor_pb2.FileDescriptorSet:
    """Only the needed types, without options; only the imports that they need."""
    names = needed(found)
    kept = descriptor_pb2.FileDescriptorSet()
    for file in found.file:
        own = file.package.startswith(("killcord", "google.rpc"))
        messages = [m for m in file.message_type if not own or f".{file.package}.{m.name}" in names]
        enums = [e for e in file.enum_type if not own or f".{file.package}.{e.name}" in names]
        wanted = any(f".{file.package}.{each.name}" in names for each in [*messages, *enums])
        if not wanted or any(each.name == file.name for each in kept.file):
            continue
        copy = kept.file.add(name=file.name, package=file.package, syntax=file.syntax)
        copy.message_type.extend(messages)
        copy.enum_type.extend(enums)
        copy.dependency.extend(file.dependency)
    present = {file.name for file in kept.file}
    for file in kept.file:
        file.dependency[:] = [name for name in file.dependency if name in present]
        for message in file.message_type:
            bare(message)
        for enum in file.enum_type:
            enum.ClearField("options")
    return kept


def bare(message: descriptor_pb2.DescriptorProto) -> None:
    """Takes the options away, but for those that say how a map is written."""
    if not message.options.map_entry:
        message.ClearField("options")
    for field in message.field:
        field.ClearField("options")
        field.ClearField("json_name")
    for nested in message.nested_type:
        bare(nested)


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    text = base64.b64encode(pruned(compiled()).SerializeToString(deterministic=True)).decode()
    lines = "\n".join(f'    "{line}"' for line in wrap(text, 96))
    out.write_text(
        f'"""Generated by sdk/python/generate.py from proto/: do not edit."""\n\n'
        f"#: A google.protobuf.FileDescriptorSet, in base64.\nDESCRIPTORS = (\n{lines}\n)\n"
    )


if __name__ == "__main__":
    main()
