"""A client from the environment: `from killcord import auto; client = auto.client()`."""

from __future__ import annotations

from .client import Client


def client() -> Client:
    """KILLCORD_URL (default http://127.0.0.1:7411) and KILLCORD_API_KEY; gRPC where it is installed.

    Raises KillcordError when KILLCORD_API_KEY is not set.
    """
    return Client()
