"""The messages of killcord.v1 that this package sends and reads, in a descriptor pool of its own.

Another `killcord.v1` in the same process, of whatever version, stays what it is. Importing this
needs protobuf, and nothing else: `pip install 'killcord[grpc]'`.
"""

from __future__ import annotations

import base64
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from .descriptors import DESCRIPTORS


def _pool() -> Any:
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(base64.b64decode(DESCRIPTORS)).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


_POOL = _pool()


def message(name: str) -> Any:
    """The class of a message by its full name. Raises KeyError for one that is not carried."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(name))


def enum(name: str) -> Any:
    """The descriptor of an enum by its full name. Raises KeyError for one that is not carried."""
    return _POOL.FindEnumTypeByName(name)
