"""Image files: PNG, JPEG and other usual formats, read as RGB, or refused in one line."""

import os
import stat
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mnist_mlp.base.arrays import Array
from mnist_mlp.base.errors import InputError
from mnist_mlp.base.files import DAMAGED
from mnist_mlp.reading.framing import frame

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")  # no other decoder of Pillow's is run
MOST_PIXELS = 64_000_000  # decoded, they take 256 MB
LIGHT = 200  # of 255: ink that is all lighter is taken for ink of a dark ground
ENOUGH = 1000  # pixels along the longer side, which a JPEG may be decoded with fewer of


def frame_file(path: Path) -> Array:
    """Return the digit in an image file as the network knows it: (784,) in [0, 1].

    Raises InputError, with the file's name, where there is none, and OSError as open_photo does.
    """
    photo = open_photo(path)
    try:
        return frame(photo)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def open_photo(path: Path) -> Image.Image:
    """Read the first picture in a file, upright, in RGB, with a ground behind what is transparent.

    Raises InputError where the file is no image of those formats, is damaged or is too large,
    and OSError where it cannot be read.
    """
    kind = path.stat().st_mode
    if not stat.S_ISREG(kind):
        found = "a folder" if stat.S_ISDIR(kind) else "a device or a pipe"
        raise InputError(f"{path}: expected an image file, found {found}")
    with _silence(), path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of metadata; what matters is raised
        try:
            with Image.open(file, formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise InputError(
                        f"{path}: expected at most {MOST_PIXELS:,} pixels, "
                        f"found {image.width:,}×{image.height:,}; make it smaller"
                    )
                image.draft("RGB", (ENOUGH, ENOUGH))
                return _on_paper(ImageOps.exif_transpose(image))
        except UnidentifiedImageError:
            raise InputError(
                f"{path}: expected an image (PNG, JPEG, BMP, GIF, WebP or TIFF), "
                "found another kind of file; save it as one of these"
            ) from None
        except (*DAMAGED, struct.error, Image.DecompressionBombError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(f"{path}: expected an image that is whole; {reason}") from None


@contextmanager
def _silence() -> Iterator[None]:
    """Send to nowhere what libtiff, inside Pillow, writes past Python to standard error."""
    try:
        kept = os.dup(2)
    except OSError:  # it is closed already
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _on_paper(image: Image.Image) -> Image.Image:
    """Put what is transparent on white, or on black where on white it would not be seen."""
    if image.mode.startswith("I") or image.mode == "F":
        image = _eight_bits(image)
    if image.has_transparency_data:
        ink = image.convert("RGBA")
        white, black = (Image.new("RGBA", ink.size, colour) for colour in ("white", "black"))
        image = Image.alpha_composite(white, ink)
        if np.asarray(image.convert("L")).min() > LIGHT:
            image = Image.alpha_composite(black, ink)
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring grey of 16 or 32 bits to 8: integers have 16 bits, and floats a range of their own."""
    values = np.nan_to_num(np.asarray(image, np.float32))
    low, high = (values.min(), values.max()) if image.mode == "F" else (0, 65535)
    scaled = np.clip((values - low) / max(high - low, np.finfo(np.float32).tiny), 0, 1)
    return Image.fromarray((255 * scaled + 0.5).astype(np.uint8))
