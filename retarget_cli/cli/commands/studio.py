"""`retarget studio`: see, click and correct in the browser."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from retarget_cli.cli import options, output
from retarget_cli.cli.options import ADVANCED, argument, grouped, option
from retarget_cli.errors import EnvironmentProblem, InputError

PORT = 8123


@grouped
def studio(
    a: Path | None = argument("A", "First clip; without it, the clips that were open last.", None),
    b: Path | None = argument("B", "Second clip.", None),
    no_browser: bool = option(False, None, "Only print the address."),
    port: int = option(PORT, "N", "The port to listen on; 0: any.", show_default=True, min=0, max=65535),
    host: str = option(
        "127.0.0.1",
        "ADDRESS",
        "Let other machines in, too; the address then holds a token.",
        ADVANCED,
        show_default=True,
    ),
    *,
    segmenter: options.Segmenter,
    general: options.InWorkspace,
) -> None:
    """Open a page in the browser that shows all of it: clips, object, training, results and motion.

    What it does are the other commands; both can be used by turns. Needs `pip install 'retarget[studio]'`.
    """
    missing = [name for name in ("starlette", "uvicorn", "websockets") if find_spec(name) is None]
    if missing:
        what = f"the page needs packages that are not installed: {', '.join(missing)}"
        raise EnvironmentProblem(what, fix="Run `pip install 'retarget[studio]'`.")
    clips = tuple(clip for clip in (a, b) if clip is not None)
    for clip in clips:
        if not clip.exists():
            raise InputError("there is no such file", where=clip, fix="Check the path.")
    from retarget_cli.pipeline.settings import load_config
    from retarget_cli.studio.server import serve

    finder = load_config(None, None, (), **segmenter.chosen()).matte
    serve(general.workspace, clips, finder, host, port, not no_browser, output.lines)
