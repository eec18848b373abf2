import pytest

from retarget_cli.training.optim import one_cycle, ramp


def test_one_cycle_rises_to_the_peak_and_falls_away() -> None:
    rates = [one_cycle(i / 100, peak=2.0) for i in range(101)]
    top = rates.index(max(rates))
    assert rates[top] == pytest.approx(2.0)
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[0] < 0.1
    assert rates[-1] < 0.01


def test_ramp_is_zero_then_linear_then_one() -> None:
    assert [ramp(p, 0.2, 0.4) for p in (0.0, 0.2, 0.3, 0.4, 1.0)] == pytest.approx([0, 0, 0.5, 1, 1])
