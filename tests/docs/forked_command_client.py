"""Has the server of `forked_command` run a command: ``forked_command_client.py SOCKET ARGUMENTS…``."""

import json
import os
import socket
import sys
from pathlib import Path

with socket.socket(socket.AF_UNIX) as server:
    server.connect(sys.argv[1])
    socket.send_fds(server, [b" "], [0, 1, 2])
    request = {"arguments": sys.argv[2:], "cwd": str(Path.cwd()), "environment": dict(os.environ)}
    server.sendall(json.dumps(request).encode())
    server.shutdown(socket.SHUT_WR)
    code = int(server.recv(16) or 1)
sys.exit(code)
