"""Export trained models for serving: ONNX graphs of encoders and trees. Imports nothing else of the trainer."""
