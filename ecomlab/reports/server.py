"""The owner of the process whose copies are kernels.

``fork_server`` starts it (one for this process, Linux only), ``stop_server`` ends it with all its
kernels. Nothing of Jupyter is imported here, so that it can start while Jupyter is imported.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib.util
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from ecomlab.reports.forkserver import MAX_MESSAGE

__all__ = [
    "CAN_FORK",
    "ForkServer",
    "fork_server",
    "kernel_environment",
    "private_file",
    "stop_server",
]

CAN_FORK = sys.platform == "linux"
LAUNCH_SECONDS = 60.0  # the process may still be importing on a slow disk
_LONGEST_FOLDER = 60  # of the 107 bytes that Linux allows for a socket's path
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# Modules are made to stay: looking for rubbish among them makes imports a tenth slower.
_SERVE = "import gc; gc.disable(); from ecomlab.reports.forkserver import main; main()"


class ForkServer:
    """One prepared process and the kernels forked from it."""

    def __init__(self) -> None:
        self._log = private_file("server", ".log")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _SERVE, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=kernel_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the runner, which then closes the socket
            )
        self._channel = ours
        self._news = threading.Condition()
        self._launched: dict[int, int | str] = {}
        self._exited: dict[int, int] = {}
        self._lost = False
        self._numbers = itertools.count()
        threading.Thread(target=self._listen, name="fork server", daemon=True).start()

    @property
    def lost(self) -> bool:
        """Whether the process has ended, be it that the listener has not heard of it yet."""
        return self._lost or self._process.poll() is not None

    def launch(self, argv: list[str], *, cwd: str) -> int:
        """Fork a kernel and return its process number."""
        number = next(self._numbers)
        self._send({"launch": number, "argv": argv, "cwd": cwd})
        with self._news:
            self._news.wait_for(lambda: number in self._launched or self._lost, LAUNCH_SECONDS)
            answer = self._launched.pop(number, "") or self._last_words()
        if isinstance(answer, str):
            raise RuntimeError(f"No kernel could be started: {answer}.")
        return answer

    def _last_words(self) -> str:
        if not self._lost:
            return f"the process that makes kernels did not answer in {LAUNCH_SECONDS:g} s"
        said = self._log.read_text(errors="replace").strip().splitlines()[-1:]
        return ": ".join(["the process that makes kernels has ended", *said])

    def poll(self, pid: int) -> int | None:
        """Return the exit code of a kernel (negative: the signal), or None while it lives."""
        with self._news:
            return self._exited.get(pid, -signal.SIGKILL if self._lost else None)

    def signal(self, pid: int, number: int) -> None:
        """Signal a kernel and all it has started; nothing happens where it has ended."""
        with contextlib.suppress(OSError):
            self._send({"signal": pid, "number": int(number)})

    def stop(self) -> None:
        """End all kernels and the process itself."""
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, message: dict[str, Any]) -> None:
        self._channel.send(json.dumps(message).encode())

    def _listen(self) -> None:
        """Keep the books; runs in its own thread."""
        with contextlib.suppress(OSError):
            while raw := self._channel.recv(MAX_MESSAGE):
                message = json.loads(raw)
                with self._news:
                    if "launched" in message:
                        self._launched[message["launched"]] = message["pid"]
                    elif "refused" in message:
                        self._launched[message["refused"]] = message["why"]
                    else:
                        self._exited[message["exited"]] = message["code"]
                    self._news.notify_all()
        with self._news:
            self._lost = True
            self._news.notify_all()


def kernel_environment() -> dict[str, str]:
    """Return the environment of kernels: this one, without a user's own settings for them."""
    plain = {
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "IPYTHONDIR": str(_private_folder() / "ipython"),
        **dict.fromkeys(_THREADS, "1"),
    }
    spec = importlib.util.find_spec("matplotlib")
    if spec and spec.origin:
        plain["MATPLOTLIBRC"] = str(Path(spec.origin).parent / "mpl-data" / "matplotlibrc")
    return {**os.environ, **plain}


_numbers = itertools.count(1)
_lock = threading.Lock()
_running: list[ForkServer] = []


def fork_server() -> ForkServer:
    """Return this process's server, started if need be."""
    with _lock:
        if _running and _running[-1].lost:
            _running.pop().stop()
        if not _running:
            _running.append(ForkServer())
        return _running[-1]


def stop_server() -> None:
    """End the server and all its kernels at once; the next kernel starts a new one."""
    with _lock:
        while _running:
            _running.pop().stop()


def private_file(stem: str, suffix: str) -> Path:
    """Return a new path in a folder that no other user can read, gone when this process ends."""
    return _private_folder() / f"{stem}-{next(_numbers)}{suffix}"


@functools.cache
def _private_folder() -> Path:
    folder = tempfile.mkdtemp(prefix="ecomlab-")
    if CAN_FORK and len(folder) > _LONGEST_FOLDER:
        os.rmdir(folder)
        folder = tempfile.mkdtemp(prefix="ecomlab-", dir="/tmp")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(stop_server)
    return Path(folder)
