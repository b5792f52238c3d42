"""Runs a command in a terminal of its own and types what it is told to, as a person would.

Arguments: a JSON list of [text to wait for, text to type], then the command. Prints what the
terminal showed; exits with the command's status.
"""
import json, os, pty, select, sys

steps = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
shown = b""
seen = 0
while True:
    select.select([terminal], [], [])
    try:
        piece = os.read(terminal, 65536)
    except OSError:  # Linux says so when the last program has closed the terminal.
        break
    if not piece:
        break
    shown += piece
    while steps and steps[0][0].encode() in shown[seen:]:
        seen = len(shown)
        os.write(terminal, steps.pop(0)[1].encode())
sys.stdout.buffer.write(shown)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
