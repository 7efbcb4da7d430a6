"""The plugin for napari: its manifest is napari.yaml. Nothing here is imported before napari asks for it."""
