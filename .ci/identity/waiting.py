"""What both sides of the story wait by."""

import socket
import time


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(holds, what, seconds=60):
    """Waits until something holds, and says what did not."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"After {seconds} seconds it is not so that {what}.")
        time.sleep(0.1)
