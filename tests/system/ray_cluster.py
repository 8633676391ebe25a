"""`python -m tests.system.ray_cluster ADDRESS ...`: a Ray cluster of simulated nodes on loopback addresses.

The first is the head, and runs nothing. Prints the cluster's address; removes the node that a line of the input names;
ends when the input does.
"""

import sys

from ray.cluster_utils import Cluster

MEMORY = 80 * 2**20
"""Object store of a node, in bytes; the least that Ray takes is a little less."""

CPUS = 6
"""Of a node, however many cores there are: what all roles of the test reserve. The GPU of a node is made up, too."""

HEALTH = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 1000, "health_check_failure_threshold": 3}
"""A node that is gone is missed within seconds."""


def main(addresses: list[str]) -> None:
    """Serve until the input ends."""
    head = {"num_cpus": 0, "include_dashboard": False, "_system_config": HEALTH}
    common = {"object_store_memory": MEMORY, "include_log_monitor": False}
    cluster = Cluster(initialize_head=True, head_node_args={"node_ip_address": addresses[0], **head, **common})
    nodes = {
        address: cluster.add_node(node_ip_address=address, num_cpus=CPUS, num_gpus=1, **common)
        for address in addresses[1:]
    }
    cluster.wait_for_nodes()
    print(cluster.address, flush=True)
    for line in sys.stdin:
        cluster.remove_node(nodes.pop(line.strip()), allow_graceful=False)
        print("removed", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main(sys.argv[1:])
