"""What the models of this machine run on: its processors, ONNX Runtime, and groups of items of a bounded size."""
