"""The counter of the energy of one NVIDIA GPU: NVML, the library that comes with the driver.

`counters(uuid)` gives it, or the reason why there is none: no driver, a GPU before Volta, a part of a GPU. The library is
called as it is, so that nothing need be installed. It counts in millijoules since the driver was loaded, and a new figure comes
only every some ten milliseconds.
"""

import ctypes
from typing import Any

from workbench.timing.counter import Counter

LIBRARY = "libnvidia-ml.so.1"


def counters(uuid: str, *, library: str = LIBRARY) -> tuple[tuple[Counter, ...], str]:
    """The counter of a GPU, and why there is none.

    Args:
        uuid: As the driver writes it, `GPU-` and a number in hexadecimal; the device's place in a list is another one for torch.
        library: The name or path of the library.
    """
    try:
        nvml = ctypes.CDLL(library)
        _done(nvml, nvml.nvmlInit_v2())
        handle = ctypes.c_void_p()
        _done(nvml, nvml.nvmlDeviceGetHandleByUUID(uuid.encode(), ctypes.byref(handle)))
        _microjoules(nvml, handle)
    except (OSError, AttributeError) as error:
        return (), f"the energy counter of the GPU (NVML) cannot be read: {error}"
    return (Counter(name="GPU", read=lambda: _microjoules(nvml, handle)),), ""


def _microjoules(nvml: Any, handle: ctypes.c_void_p) -> int:
    millijoules = ctypes.c_ulonglong()
    _done(nvml, nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules)))
    return millijoules.value * 1000


def _done(nvml: Any, code: int) -> None:
    if code == 0:
        return
    nvml.nvmlErrorString.restype = ctypes.c_char_p
    told = nvml.nvmlErrorString(code) or b"unknown"
    raise OSError(f"{told.decode(errors='replace')} (NVML code {code})")
