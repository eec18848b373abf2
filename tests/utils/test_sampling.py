from retarget_cli.utils.sampling import evenly


def test_evenly_keeps_both_ends_and_never_repeats():
    assert evenly(100, 5) == [0, 25, 50, 74, 99]
    assert evenly(3, 8) == [0, 1, 2]
    assert evenly(1, 8) == [0]
