"""Image files: PNG, JPEG and other common formats, read as RGB, or refused in one line."""

import os
import stat
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import ARRAY_ERRORS
from mnist_mlp.reading.framing import Sheet, look

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")  # Pillow's other decoders are never run
MAX_PIXELS = 64_000_000  # 256 MB once decoded
LIGHT = 200  # of 255: a transparent image that is nowhere darker is light ink, meant for black
HALF = 127  # of 255: a pixel with more is opaque
DRAFT_SIDE = 1000  # pixels: a larger JPEG may be decoded at a lower resolution, down to this


def look_at_file(path: Path) -> tuple[Image.Image, Sheet]:
    """Return the picture in an image file, in RGB, with the ink and the digits found in it.

    Raises InputError, with the file's name, if there are no digits, and what open_photo raises.
    """
    photo = open_photo(path)
    try:
        return photo, look(photo)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def open_photo(path: Path) -> Image.Image:
    """Read the first picture in a file, upright, in RGB, with a background if it is transparent.

    Raises InputError if the file is not an image of one of FORMATS, is damaged or too large, and
    OSError if it cannot be read.
    """
    kind = path.stat().st_mode
    if not stat.S_ISREG(kind):
        found = "a folder" if stat.S_ISDIR(kind) else "a device or a pipe"
        raise InputError(f"{path}: expected an image file, found {found}")
    with _discard_stderr(), path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata; errors are raised
        try:
            with Image.open(file, formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise InputError(
                        f"{path}: expected at most {MAX_PIXELS:,} pixels, "
                        f"found {image.width:,}×{image.height:,}; make it smaller"
                    )
                image.draft("RGB", (DRAFT_SIDE, DRAFT_SIDE))
                return _on_paper(ImageOps.exif_transpose(image))
        except UnidentifiedImageError:
            raise InputError(
                f"{path}: expected an image (PNG, JPEG, BMP, GIF, WebP or TIFF), "
                "found another kind of file; save it as one of these"
            ) from None
        except (*ARRAY_ERRORS, struct.error, Image.DecompressionBombError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(f"{path}: expected an undamaged image; {reason}") from None


@contextmanager
def _discard_stderr() -> Iterator[None]:
    """Discard what libtiff, inside Pillow, writes directly to standard error."""
    try:
        stderr = os.dup(2)
    except OSError:  # it is closed already
        yield
        return
    try:
        with Path(os.devnull).open("wb") as null:
            os.dup2(null.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


def _on_paper(image: Image.Image) -> Image.Image:
    """Put a transparent image on white, or on black if all of it is too light for white.

    If most of it is opaque, it has paper of its own, whose colour the holes and edges get.
    """
    if image.mode.startswith("I") or image.mode == "F":
        image = _eight_bits(image)
    if image.has_transparency_data:
        ink = image.convert("RGBA")
        pixels = np.asarray(ink)
        opaque = pixels[..., 3] > HALF
        if opaque.mean() > 0.5:
            paper = tuple(np.median(pixels[opaque], axis=0).astype(int))
            return Image.alpha_composite(Image.new("RGBA", ink.size, paper), ink).convert("RGB")
        white, black = (Image.new("RGBA", ink.size, colour) for colour in ("white", "black"))
        image = Image.alpha_composite(white, ink)
        if np.asarray(image.convert("L")).min() > LIGHT:
            image = Image.alpha_composite(black, ink)
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Convert grey to 8 bits: integers from 16 bits, floats from the range of their values."""
    values = np.nan_to_num(np.asarray(image, np.float32))
    low, high = (values.min(), values.max()) if image.mode == "F" else (0, 65535)
    scaled = np.clip((values - low) / max(high - low, np.finfo(np.float32).tiny), 0, 1)
    return Image.fromarray((255 * scaled + 0.5).astype(np.uint8))
