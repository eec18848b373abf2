"""Makes ``weights/base.safetensors`` again, from seeds: networks that learned only from bodies the program draws."""
