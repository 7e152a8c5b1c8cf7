"""16 shards of a set on a Ray cluster: python examples/scale/ray_generate.py. The program must be on every node's path."""

import subprocess

import ray

SHARDS = 16


@ray.remote(num_cpus=8, max_retries=5)
def shard(index: int) -> int:
    """Makes one shard; a task that is tried again goes on where the last try was ended."""
    command = ["marionette", "generate", "all", "--count", "1000000", "--size", "256", "--format", "webdataset"]
    command += ["--shard", f"{index}/{SHARDS}", "--resume", "--threads", "8", "--out", f"/data/all/shard-{index}"]
    subprocess.run(command, check=True)
    return index


if __name__ == "__main__":
    ray.init()
    print("done:", sorted(ray.get([shard.remote(index) for index in range(SHARDS)])))
