"""Which trials may share each forward of one base, and why the others may not.

Plain words for the plan, decided from specs alone: no model is loaded to answer it.
"""

from workbench.spec import Spec


def alone_because(spec: Spec) -> str:
    """Why a trial must train alone; empty when it can share.

    >>> alone_because(Spec())
    ''
    """
    adapter = spec.adapter
    if spec.quantization is not None and spec.quantization.load_in_8bit:
        return (
            "8-bit outliers are chosen over the whole batch, so neighbours would change the result"
        )
    if adapter.use_dora:
        return "DoRA rescales the base's own output, which rows of other adapters share"
    if adapter.bias != "none":
        return "a trained bias belongs to the base, which the others share"
    if adapter.modules_to_save:
        return "modules_to_save replaces modules of the base, which the others share"
    if adapter.init_lora_weights in ("pissa", "olora"):
        return f"init {adapter.init_lora_weights!r} rewrites the base, which the others share"
    return ""
