import numpy as np
import pytest

from retarget_cli.viz.overlay import keypoint_colours
from retarget_cli.viz.sheet import compare_rows, contact_sheet, legend


def numbered(count, size=(24, 32), step=10):
    return [np.full((*size, 3), step * (i + 1), np.uint8) for i in range(count)]


def test_cells_hold_the_chosen_frames_in_order():
    sheet = contact_sheet({"clip": numbered(9)}, columns=3, cell=32)
    assert sheet.shape == (20 + 24 + 2, 2 + 3 * 34, 3)
    assert [int(sheet[20 + 12, 2 + 34 * c + 16, 0]) for c in range(3)] == [10, 50, 90]


def test_every_row_is_shown_with_its_caption():
    rows = {"one": numbered(4), "two": numbered(2, size=(32, 32))}
    sheet = contact_sheet(rows, columns=4, cell=64)
    assert sheet.shape[0] == 20 + 48 + 2 + 20 + 64 + 2
    captions = sheet[:20], sheet[70:90]
    assert all(strip.max() > 150 for strip in captions)
    assert not np.array_equal(*captions)


def test_mattes_alpha_and_odd_shapes_are_shown():
    matte = np.zeros((24, 32), bool)
    matte[:, 16:] = True
    layer = np.zeros((24, 32, 4), np.uint8)
    layer[:, 16:] = (10, 20, 30, 255)
    tall = np.full((48, 16, 3), 77, np.uint8)
    sheet = contact_sheet({"mixed": [matte, layer, tall]}, columns=3, cell=32)
    row = sheet[20:44]
    assert row[12, 2 + 30].tolist() == [255] * 3 and row[12, 2 + 2].tolist() == [0] * 3
    assert row[12, 36 + 30].tolist() == [10, 20, 30]
    assert {int(v) for v in row[:, 36:50, 0].ravel()} == {96, 160}
    assert row[12, 70 + 16].tolist() == [77] * 3 and row[12, 70 + 2, 0] < 50


def test_nothing_to_show_is_an_error():
    with pytest.raises(ValueError, match="at least one frame"):
        contact_sheet({"empty": []})


def test_comparison_rows_and_their_lengths():
    silhouettes = [np.full((40, 40), 255, np.uint8)] * 3
    keypoints = np.zeros((3, 5, 2))
    rows = compare_rows(numbered(3), numbered(7), keypoints, silhouettes, numbered(3))
    assert list(rows) == ["driver (motion)", "subject (look)", "keypoints", "silhouette", "result"]
    assert len(rows["subject (look)"]) == 7
    assert rows["keypoints"][0][2, 2].tolist() == [85] * 3
    assert rows["keypoints"][0][20, 20].tolist() != [85] * 3
    with pytest.raises(ValueError, match="differ in length"):
        compare_rows(numbered(2), numbered(7), keypoints, silhouettes, numbered(3))


@pytest.mark.parametrize(("width", "lines"), [(1302, 1), (280, 2), (60, 5)])
def test_a_legend_has_every_name_in_its_colour_and_breaks_lines(width, lines):
    names = ["nose", "tail_mid", "tail_end", "hind_foot_1", "fore_foot_2"]
    drawn = legend(names, width)
    assert drawn.shape == (20 * lines, width, 3)
    for colour in keypoint_colours(5):
        assert (np.abs(drawn.astype(int) - colour).max(axis=2) < 40).sum() > 20
