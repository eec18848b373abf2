"""The part of a clip that is used: what the user says of it, or its longest shot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from retarget_cli.config import CUTS
from retarget_cli.errors import UsageError
from retarget_cli.events import Notice
from retarget_cli.media.playback import Tempo, part_of
from retarget_cli.pipeline.clips import ClipInput, digest_of, open_clip
from retarget_cli.pipeline.outputs import clip_names
from retarget_cli.segmentation.base import Hint
from retarget_cli.stages.clip import KEEP, LONGEST, ClipFacts, SourceClip, check_cuts, facts, ingest, longest_shot
from retarget_cli.stages.schedule import run
from retarget_cli.stages.stage import Tools, found_of
from retarget_cli.utils.fields import nearest


def open_pair(a: ClipInput, b: ClipInput, tools: Tools) -> tuple[SourceClip, SourceClip]:
    """Both clips, as much of them as is used. UsageError when they are the same, InputError for missing files."""
    names = clip_names(a.path, b.path)
    whole = open_clip(a, names[0], tools.store, "-a"), open_clip(b, names[1], tools.store, "-b")
    first, second = used_parts(whole, (a, b), tools)
    if first.digest == second.digest:
        raise UsageError("both clips are the same video", where=b.path, fix="Name two different clips.")
    return first, second


def used_parts(clips: Sequence[SourceClip], given: Sequence[ClipInput], tools: Tools) -> list[SourceClip]:
    """The clips as they are used: what lies before and after is cut off, and hints count from the first frame of it.

    A clip of which not all may be used is read whole before. Raises UsageError for a part or a hint outside of it, and
    MediaError for cuts that are not wanted.
    """
    for each in given:
        if each.cuts not in CUTS:
            raise UsageError(f"'{each.cuts}' is not a choice", where="--cuts", fix=nearest(each.cuts, CUTS))
    whole = [replace(clip, cuts=KEEP) for clip in clips]
    asked = [ingest(clip) for clip, each in zip(whole, given, strict=True) if _in_part(each)]
    done = run(asked, tools, last=False) if asked else {}
    used = []
    for clip, each in zip(clips, given, strict=True):
        found = facts(done[f"ingest:{clip.name}"]) if _in_part(each) else None
        used.append(_with_hints(clip if found is None else _part(clip, each, found, tools), each.hints))
        _check_cuts(used[-1], tools)
    return used


def _check_cuts(clip: SourceClip, tools: Tools) -> None:
    """Raise MediaError for cuts that were found before, when they were wanted; reading a clip anew tells itself."""
    for entry in found_of([ingest(clip)], tools.store).values():
        known = facts(entry)
        check_cuts(clip, known.cuts, known.timing.frames)


def _in_part(given: ClipInput) -> bool:
    return given.start is not None or given.stop is not None or given.cuts == LONGEST


def _part(clip: SourceClip, given: ClipInput, found: ClipFacts, tools: Tools) -> SourceClip:
    tempo = Tempo.parse(given.start, given.stop).counted_from(clip.number)
    first, stop = part_of(tempo, found.timing, clip.path.name)
    cuts = [cut for each in found.cuts if (cut := each.within(first, stop)) is not None]
    if cuts and given.cuts == LONGEST:
        begin, end = longest_shot(cuts, stop - first)
        first, stop = first + begin, first + end
        shown = f"{clip.number + first} to {clip.number + stop - 1}"
        tools.reporter(Notice(f"{clip.path.name} has cuts: only its longest shot is used, frames {shown}."))
    if stop - first < 2:
        what = f"{clip.path.name} would have {stop - first} frame{'s' if stop == first else ''}, which shows no motion"
        raise UsageError(what, where="--from, --to", fix="Choose a longer part.")
    if (first, stop) == (0, found.timing.frames):
        return clip
    part, content = (first, stop - first), clip.content or clip.digest
    digest = digest_of(content, part, clip.colour)
    return replace(clip, part=part, number=clip.number + first, digest=digest, content=content)


def _with_hints(clip: SourceClip, hints: Sequence[Hint]) -> SourceClip:
    for hint in hints:
        outside = hint.frame < clip.number or (clip.part and hint.frame >= clip.number + clip.part[1])
        if clip.number and outside:
            last = f" to {clip.number + clip.part[1] - 1}" if clip.part else " on"
            fix = f"Frames have the numbers that they have in the clip: name one from {clip.number}{last}."
            raise UsageError(f"frame {hint.frame} of {clip.path.name} is not used", where="--box, --point", fix=fix)
    return replace(clip, hints=tuple(replace(hint, frame=hint.frame - clip.number) for hint in hints))
