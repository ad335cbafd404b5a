"""Makes the rings of a Swift with one device: `swift-rings.py FOLDER ACCOUNT_PORT CONTAINER_PORT OBJECT_PORT`."""
import os
import sys

from swift.common.ring import RingBuilder

folder = sys.argv[1]
for kind, port in zip(("account", "container", "object"), sys.argv[2:]):
    ring = RingBuilder(part_power=4, replicas=1, min_part_hours=1)
    ring.add_dev(
        {"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "d1", "weight": 1.0}
    )
    ring.rebalance()
    ring.get_ring().save(os.path.join(folder, f"{kind}.ring.gz"))
