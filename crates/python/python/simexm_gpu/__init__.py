"""What would an expansion microscope show of this tissue? Arrays in, arrays out.

    import simexm_gpu
    cells = simexm_gpu.phantom((32, 128, 128), (40, 24, 24))
    result = simexm_gpu.simulate(cells, voxel_nm=(40, 24, 24), seed=7)
    result.images["channel_1"], result.ground_truth["ATTO425"]

Axes are (z, x, y) everywhere, in numpy's words axes 0, 1 and 2: x is the row of an image and y its column. Lengths are nm
unless a name says otherwise. The same seed gives the same labels, counts and ground truth on every device, and images
that agree within rounding. Importing the package touches no GPU.
"""

from ._config import ConfigLike
from ._errors import ConfigurationError, FileError, RunError, SimexmError, SimexmWarning
from ._native import Config, __version__
from ._progress import Progress
from ._result import Adapter, Findings, Fluorophore, Psf, Report, Result, Volume
from ._simulate import Simulator, run, simulate
from ._stream import Sample, Stream
from ._tools import check, devices, fluorophores, open, phantom, plan, psf

__all__ = [
    "Adapter",
    "Config",
    "ConfigLike",
    "ConfigurationError",
    "FileError",
    "Findings",
    "Fluorophore",
    "Progress",
    "Psf",
    "Report",
    "Result",
    "RunError",
    "Sample",
    "SimexmError",
    "SimexmWarning",
    "Simulator",
    "Stream",
    "Volume",
    "__version__",
    "check",
    "devices",
    "fluorophores",
    "open",
    "phantom",
    "plan",
    "psf",
    "run",
    "simulate",
]
