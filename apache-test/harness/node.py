"""Programs for Node.js, in clients/."""
import json
import subprocess

from . import build


def run_node(script, *arguments):
    """What it prints, as JSON."""
    assert (build.SOURCE / "node_modules").exists(), "run npm ci in the project's directory"
    done = subprocess.run(["node", str(build.TESTS / "clients" / script), *arguments], timeout=100,
                          cwd=build.SOURCE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)
