"""Taking over a phase that was trained elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from retarget_cli.train.checkpoint import module_tensors
from retarget_cli.train.phase import Phase


def adopt(phase: Phase, states: Mapping[str, Mapping[str, Tensor]], out: Path) -> None:
    """Write `phase`, filled with `states` by module, into `out` as the training loop does after its last step.

    Modules without a state stay as they are. The held-out scores are measured; there are no losses to tell of.
    """
    for name, state in states.items():
        phase.modules[name].load_state_dict(state)
    save_file(module_tensors(phase), out / "state.safetensors")
    scores = phase.held_out()
    facts = {"steps": 0, "held_out": scores, "held_out_history": [{"step": 0, **scores}], "history": []}
    (out / "fit.json").write_text(json.dumps(facts, indent=1))
