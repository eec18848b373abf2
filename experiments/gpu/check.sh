#!/usr/bin/env bash
# One run on a GPU, of less than ten minutes: the probe, a whole pair, the tests and the bench. OUT: an existing folder for
# the results, CLIPS: one with cat.mp4, fox.mp4 and their mattes cat_mask.mkv, fox_mask.mkv. Run it in the checkout.
set -u
out=${OUT:?names a folder} clips=${CLIPS:?names a folder} root=$PWD logs=$(mktemp -d)
deadline=565
export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1 OMP_NUM_THREADS=8

note() { echo "$*" | tee -a "$out/summary.txt"; }

# part NAME SECONDS COMMAND...: within its time and the deadline of all; KILL follows, as TERM is a wish to this program.
part() {
  local name=$1 limit=$2 left=$((deadline - SECONDS)) begun=$SECONDS
  shift 2
  if [ "$left" -lt 15 ]; then note "$name: no time left"; return; fi
  timeout -k 5 "$((limit < left ? limit : left))" "$@" >"$logs/$name.txt" 2>&1
  note "$name: exit $? after $((SECONDS - begun)) s: $(tail -n 1 "$logs/$name.txt" | cut -c1-160)"
  grep -hE "CUDA graph|FAILED|Error|warning:" "$logs/$name.txt" | cut -c1-200 | sort | uniq -c | head -n 8 | tee -a "$out/summary.txt"
}

note "$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader)"
part probe 130 python3 -m experiments.gpu.probe --seconds 105
part probe-tuned 70 python3 -m experiments.gpu.probe --tuned --seconds 55
grep -hE "ms a step|held-out|kernels,|channels-last|differ" "$logs"/probe*.txt | tee -a "$out/summary.txt"

work=$(mktemp -d) && cd "$work" || exit
part train 110 python3 -m retarget_cli train "$clips/cat.mp4" "$clips/fox.mp4" --mask-a "$clips/cat_mask.mkv" \
  --mask-b "$clips/fox_mask.mkv" --preset standard --device cuda --render both
part evaluate 40 python3 -m retarget_cli evaluate --json
grep -hE "done in|frames/s" "$logs/train.txt" | tee -a "$out/summary.txt"
cp retargeted/cat--fox/*-as-*.mp4 "$out"/ 2>/dev/null
cd "$root" || exit

part tests 120 python3 -m pytest tests/gpu -q --tb=short -n 4 -p no:cacheprovider --ignore tests/gpu/test_gpu_bench.py
grep -hE "^(FAILED|ERROR)|^E  " "$logs/tests.txt" | cut -c1-160 | sort | uniq -c | sort -rn | head -n 20 | tee -a "$out/summary.txt"
for preset in standard draft; do
  part "bench-$preset" 60 python3 -m retarget_cli bench --device cuda --preset "$preset" --steps 60 --no-paper --quiet --json
done
tar czf "$out/logs.tgz" -C "$logs" .
