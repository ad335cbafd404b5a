"""Runs one server of Swift from unpacked packages: its configuration is where the test has put it, and not in /etc."""
import sys

from swift.common import utils

utils.SWIFT_CONF_FILE = sys.argv[1]

from swift.common.wsgi import run_wsgi  # noqa: E402

sys.exit(run_wsgi(sys.argv[2], sys.argv[3], verbose=True))
