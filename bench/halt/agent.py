"""An agent by the Python client, as bench/halt/raw-agent.ts is one: its task is cancelled in the middle of an await."""

import asyncio
import json
import sys
import time

from killcord import RuntimeSession, SessionTerminated, auto


def tell(**line: str) -> None:
    print(json.dumps(line), flush=True)


async def run(client: object) -> None:
    async with RuntimeSession(client) as session:
        # Its watch is there by then.
        await asyncio.sleep(1)
        tell(session_id=session.session_id)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            tell(cancelled_ns=str(time.monotonic_ns()))
            raise


async def main() -> None:
    client = auto.client()
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        try:
            await run(client)
        except SessionTerminated:
            pass


asyncio.run(main())
