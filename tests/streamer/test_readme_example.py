"""The README's market data example runs as it is printed, against a simulated Upbit (D14)."""

import asyncio
import re
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
SETTINGS = """
markets:
  upbit:
    rest: {{url: "{rest}"}}
    stream: {{url: "{stream}"}}
"""


def example():
    (found,) = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return found


async def test_the_example_of_the_readme_runs_and_prints_prices(upbit, tmp_path):
    (tmp_path / "settings.yaml").write_text(SETTINGS.format(rest=upbit.rest_url, stream=upbit.stream_url))
    (tmp_path / "example.py").write_text(example())
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "example.py",
        cwd=tmp_path,
        env={"PYTHONPATH": str(README.parent), "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await program.communicate()
    assert program.returncode == 0, err.decode()
    first, second, third, last = out.decode().splitlines()
    assert re.fullmatch(r"rest False \d+\.\d+", first)
    assert re.fullmatch(r"upbit:KRW-(BTC|ETH) \d+\.\d+", second)
    bid, ask = map(float, third.split())
    assert bid < ask
    assert "hit_rate" in last
