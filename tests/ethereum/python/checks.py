"""One line a check, and a count at the end. There is no way to skip a check: what cannot run has failed."""

import asyncio
import inspect
import time


class Checks:
    def __init__(self, client):
        self.client = client
        self.started = time.monotonic()
        self.passed = self.failed = 0

    async def check(self, name, test, limit=40):
        """Runs a test, a function or a coroutine function, within `limit` seconds."""
        try:
            run = test() if inspect.iscoroutinefunction(test) else asyncio.to_thread(test)
            await asyncio.wait_for(run, limit)
            self.passed += 1
            print(f"ok {self.client}: {name}")
        except Exception as error:
            self.failed += 1
            text = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"FAIL {self.client}: {name}: {text[:600]}")

    def end(self):
        print(f"# {self.client}: {time.monotonic() - self.started:.1f} s")
        print(f"{self.client}: {self.passed} passed, {self.failed} failed")
        return 0 if self.passed and not self.failed else 1


def raises(kind, call):
    """The error of this kind that a call raises."""
    try:
        found = call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}, but {found}")


def until(what, ask, limit=10.0):
    """Asks again and again until the answer is there."""
    end = time.monotonic() + limit
    while True:
        last = "nothing there"
        try:
            answer = ask()
            if answer:
                return answer
        except Exception as error:
            last = f"{type(error).__name__}: {error}"
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what}: {last}")
        time.sleep(0.02)
