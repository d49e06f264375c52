"""Errors over HTTP."""

import httpx
from fastapi import FastAPI

from bot.http import problems
from telephony.simulator.exchange import serve_app


async def test_a_failure_that_nobody_foresaw_is_a_problem_and_tells_nothing_of_itself() -> None:
    app = FastAPI()
    problems.install(app)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the password is hush")

    async with serve_app(app) as base_url, httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(f"{base_url}/broken")
    assert response.status_code == 500
    assert response.headers["content-type"] == problems.MEDIA_TYPE
    body = response.json()
    assert (body["status"], body["title"]) == (500, "Internal Server Error")
    assert "log" in body["detail"]
    assert "hush" not in response.text
