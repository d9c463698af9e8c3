"""The five-minute tour of both READMEs is typed in as it stands, and gives what it says."""

import re
import subprocess
import unittest

from daemon import BINARIES, SOURCE, Daemon

START = "build/release/voucherd\n"


def tour_of(readme, heading):
    """The commands under a heading, but for the one that starts the daemon."""
    section = (SOURCE / readme).read_text("utf-8").split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.S)
    assert START in blocks, readme
    return "".join(block for block in blocks if block != START)


class ReadmeTest(unittest.TestCase):
    def run_tour(self, readme, heading):
        with Daemon() as daemon:
            script = tour_of(readme, heading)
            script = script.replace("http://127.0.0.1:8080", daemon.api).replace("http://127.0.0.1:9464", daemon.admin)
            script = script.replace("build/release/voucherctl", f"{BINARIES}/voucherctl --server {daemon.api}")
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=SOURCE, capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for part in ('"net":"106.25"', '"tax":"6.38"', '"subsidy":"21.25"', "渝链智能体科技有限公司", '"statements":1'):
            self.assertIn(part, done.stdout)
        differences = re.findall(r"^voucherd_identity_\w+_difference (\S+)$", done.stdout, re.M)
        self.assertEqual(differences, ["0"] * 4)

    def test_the_english_tour(self):
        self.run_tour("README.md", "Five minutes with curl")

    def test_the_chinese_tour(self):
        self.run_tour("README.zh-CN.md", "五分钟上手")


if __name__ == "__main__":
    unittest.main(verbosity=2)
