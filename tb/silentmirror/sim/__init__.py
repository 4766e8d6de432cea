"""`python -m silentmirror sim`: the main job, an image to several drives in three ways, measured and compared."""

from .main import run

__all__ = ["run"]
