"""Pictures for people: overlays and contact sheets, drawn with numpy and OpenCV."""
