"""Scores that need no pretrained network: plain numpy and OpenCV on silhouettes and frames."""
