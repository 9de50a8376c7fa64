"""Makes the helpers beside this file importable: the oracle and the random networks."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
