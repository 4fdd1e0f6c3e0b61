"""The process whose copies are kernels: it imports the usual libraries once and then forks.

Started by ``server.ForkServer`` (Linux only), with the number of a socket as its argument.
Over the socket come messages of JSON: ``{"launch": id, "argv": […], "cwd": …}`` and
``{"signal": pid, "number": n}``; back go ``launched``, ``refused`` and ``exited``.
When the other end closes, however its owner ended, all kernels are killed and it exits.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
from typing import Any, NoReturn

__all__ = ["MAX_MESSAGE", "main"]

MAX_MESSAGE = 65_536
# what the course's notebooks import; a notebook that wants more imports it for itself
PRELOADED = (
    "numpy",
    "pandas",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "seaborn",
    "scipy.stats",
    "duckdb",
    "pyarrow.parquet",
    "narwhals",
    "IPython.display",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ecomlab.plotting",
    "ecomlab.store",
    "ecomlab.store.quality",
    "ecomlab.store.readiness",
    "ecomlab.metrics",
    "ecomlab.analysis",
    "ecomlab.simulator",
    "ecomlab.reports.outstream",
    "ecomlab.course",
)
_PR_SET_PDEATHSIG = 1
_OOM_SCORE = "600"  # where memory ends, a kernel goes first, not the runner or the desktop


def main() -> None:
    """Serve until the other end of the socket closes."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _preload()
    kernels: set[int] = set()
    try:
        while _serve(channel, wake, kernels):
            pass
    finally:
        for pid in kernels:
            _signal_group(pid, signal.SIGKILL)
        os._exit(0)  # at once: libraries have nothing to tidy up here and some complain


def _preload() -> None:
    """Import what notebooks import; what fails here fails again, with its message, there."""
    for name in PRELOADED:
        with contextlib.suppress(Exception):
            module = importlib.import_module(name)
            if name == "ecomlab.analysis":
                for chapter in pkgutil.iter_modules(module.__path__, f"{name}."):
                    importlib.import_module(chapter.name)
    gc.collect()
    gc.freeze()  # so that collecting in a kernel does not copy the pages it shares
    gc.enable()


def _serve(channel: socket.socket, wake: int, kernels: set[int]) -> bool:
    """Handle what has arrived; return whether to go on."""
    ready, _, _ = select.select([channel.fileno(), wake], [], [])
    if wake in ready:
        os.read(wake, 4096)
        _reap(channel, kernels)
    if channel.fileno() not in ready:
        return True
    raw = channel.recv(MAX_MESSAGE)
    if not raw:
        return False
    message = json.loads(raw)
    if "launch" in message:
        _launch(channel, message, kernels)
    elif message["signal"] in kernels:
        _signal_group(message["signal"], message["number"])
    return True


def _launch(channel: socket.socket, message: dict[str, Any], kernels: set[int]) -> None:
    """Fork a kernel and say so."""
    server = os.getpid()
    try:
        pid = os.fork()
    except OSError as error:
        _send(channel, {"refused": message["launch"], "why": str(error)})
        return
    if pid == 0:
        _become_kernel(channel, server, message)
    kernels.add(pid)
    _send(channel, {"launched": message["launch"], "pid": pid})


def _reap(channel: socket.socket, kernels: set[int]) -> None:
    """Collect the kernels that have ended, and end what they left behind."""
    while kernels:
        # Look before collecting: until then nobody else can have the process number.
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return
        _signal_group(ended.si_pid, signal.SIGKILL)
        _, status = os.waitpid(ended.si_pid, 0)
        kernels.discard(ended.si_pid)
        _send(channel, {"exited": ended.si_pid, "code": os.waitstatus_to_exitcode(status)})


def _send(channel: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # the other end is gone: the next read says so
        channel.send(json.dumps(message).encode())


def _signal_group(pid: int, number: int) -> None:
    """Signal a kernel and whatever it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)  # it may not have made its group yet


def _become_kernel(channel: socket.socket, server: int, message: dict[str, Any]) -> NoReturn:
    """Turn this fork into a Jupyter kernel; never return."""
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != server:  # it ended before the line above
            os._exit(1)
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
            score.write(_OOM_SCORE)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        channel.close()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        os.chdir(message["cwd"])
        _run_kernel(message["argv"])
    except BaseException:
        os._exit(70)
    os._exit(0)


def _run_kernel(argv: list[str]) -> None:
    import matplotlib.pyplot as plt
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = ["ipykernel_launcher", *argv]
    app = IPKernelApp.instance()
    app.initialize(argv)
    # A fresh process does this when it imports pyplot; here pyplot is imported already, and
    # without it figures are lost in silence.
    app.shell.enable_matplotlib("inline")
    # No window is watching: the inline backend draws a figure once, when it is shown, and
    # pyplot's own hook would draw each a second time, into nothing.
    plt.uninstall_repl_displayhook()
    app.start()
