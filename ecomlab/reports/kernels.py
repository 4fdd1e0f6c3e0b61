"""Kernels for the engine: copies of one prepared process on Linux, plain ones elsewhere.

``ForkProvisioner`` is how Jupyter's kernel manager asks the server for a kernel;
``new_manager`` gives the manager that fits the platform.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import weakref
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerBase

from ecomlab.reports.server import (
    CAN_FORK,
    ForkServer,
    fork_server,
    private_file,
    stop_server,
)

__all__ = ["ForkProvisioner", "new_manager", "stop_kernels"]


class ForkProvisioner(KernelProvisionerBase):
    """A kernel forked from the server, as Jupyter's kernel manager sees it."""

    pid: int | None = None
    server: ForkServer

    @property
    def has_process(self) -> bool:
        """Whether a kernel has been launched and not yet been collected."""
        return self.pid is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Write the connection file and make the command line."""
        self.parent.write_connection_file()
        self.connection_info = self.parent.get_connection_info()
        command = self.parent.format_kernel_cmd(extra_arguments=kwargs.pop("extra_arguments", []))
        return {"cmd": command, "cwd": kwargs.get("cwd") or os.getcwd()}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Fork a kernel with the arguments of a command line."""
        self.server = fork_server()
        self.pid = self.server.launch(cmd, cwd=kwargs["cwd"])
        return self.connection_info

    async def poll(self) -> int | None:
        """Return the exit code, or None while the kernel lives."""
        return 0 if self.pid is None else self.server.poll(self.pid)

    async def wait(self) -> int | None:
        """Wait for the end of the kernel."""
        while (code := await self.poll()) is None:
            await asyncio.sleep(0.01)
        self.pid = None
        return code

    async def send_signal(self, signum: int) -> None:
        """Signal the kernel and all it has started."""
        if self.pid is not None:
            self.server.signal(self.pid, signum)

    async def kill(self, restart: bool = False) -> None:  # noqa: ARG002
        """End the kernel at once."""
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:  # noqa: ARG002
        """Ask the kernel to end."""
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:
        """Nothing is left to clean up."""


def new_manager() -> AsyncKernelManager:
    """Return a manager for one new kernel of this very Python, whatever else is installed."""
    manager = AsyncKernelManager(kernel_name="python3")
    launcher = [] if CAN_FORK else [sys.executable, "-m", "ipykernel_launcher"]
    # There is no public way to say it; by its name, a user's own "python3" might be found.
    manager._kernel_spec = KernelSpec(
        argv=[*launcher, "-f", "{connection_file}"], display_name="Python 3", language="python"
    )
    manager.connection_file = str(private_file("kernel", ".json"))
    if CAN_FORK:
        manager.transport = "ipc"  # files that only this user can open, not network ports
        manager.provisioner = ForkProvisioner(
            kernel_id="", kernel_spec=manager._kernel_spec, parent=manager
        )
    else:
        _plain.add(manager)
    return manager


_plain: weakref.WeakSet[AsyncKernelManager] = weakref.WeakSet()


def stop_kernels() -> None:
    """End all kernels of this process at once."""
    for manager in list(_plain):
        process = getattr(manager.provisioner, "process", None)
        if process is not None:
            process.kill()
    stop_server()
