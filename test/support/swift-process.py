"""Runs one server of Swift from unpacked packages: its configuration is where the test has put it, and not in /etc."""
import ctypes
import signal
import sys

# A test that is killed can't end its servers: the kernel ends this one with its parent.
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

from swift.common import utils  # noqa: E402

utils.SWIFT_CONF_FILE = sys.argv[1]

from swift.common.wsgi import run_wsgi  # noqa: E402

sys.exit(run_wsgi(sys.argv[2], sys.argv[3], verbose=True))
