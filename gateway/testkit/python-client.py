"""A stock client of the Python SDK, driven line by line.

Connects to MCP_URL with MCP_TOKEN over Streamable HTTP, or over HTTP+SSE when MCP_TRANSPORT is "sse", then reads one JSON command per line from standard input:
{"do": "list_tools"} or any other method of ClientSession with its "args". Every command is answered by
one JSON line: {"ok": ..., "ms": ...} or {"error": {"type", "code", "message"}, "ms": ...}. The first
line answers the connection itself. Ends with its input.
"""

import asyncio
import json
import os
import sys
import time
from contextlib import asynccontextmanager

import httpx
from mcp import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import McpError

# A command that takes longer has hung: say so instead of waiting with the test.
COMMAND_SECONDS = 10


def tell(started: float, answer: dict) -> None:
    answer["ms"] = round((time.perf_counter() - started) * 1000)
    print(json.dumps(answer), flush=True)


def describe(error: BaseException) -> dict:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, McpError):
        return {"type": "McpError", "code": error.error.code, "message": error.error.message}
    return {"type": type(error).__name__, "code": None, "message": str(error)}


async def obey(session: ClientSession, line: str) -> None:
    command = json.loads(line)
    started = time.perf_counter()
    try:
        call = getattr(session, command["do"])
        result = await asyncio.wait_for(call(**command.get("args", {})), COMMAND_SECONDS)
        tell(started, {"ok": result.model_dump(mode="json", by_alias=True, exclude_none=True)})
    except Exception as error:
        tell(started, {"error": describe(error)})


@asynccontextmanager
async def connect():
    url = os.environ["MCP_URL"]
    headers = {"Authorization": f"Bearer {os.environ['MCP_TOKEN']}"}
    if os.environ.get("MCP_TRANSPORT") == "sse":
        async with sse_client(url, headers=headers) as streams:
            yield streams
    else:
        async with (
            httpx.AsyncClient(headers=headers, timeout=30) as http,
            streamable_http_client(url, http_client=http) as (read, write, _),
        ):
            yield read, write


async def main() -> None:
    started = time.perf_counter()
    # One task for all of it: the SDK's task groups must be left where they were entered.
    try:
        async with (
            connect() as (read, write),
            ClientSession(read, write) as session,
        ):
            hello = await asyncio.wait_for(session.initialize(), COMMAND_SECONDS)
            tell(started, {"ok": hello.model_dump(mode="json", by_alias=True, exclude_none=True)})
            while line := await asyncio.to_thread(sys.stdin.readline):
                await obey(session, line)
    except BaseException as error:
        tell(started, {"error": describe(error)})


asyncio.run(main())
