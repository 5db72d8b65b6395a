"""A picture or document as it may be kept: told by its content, opened, and written anew without what it says of its maker.

A photo names the place where it was taken, a PDF its author, and either can carry a program. None of it is kept.
Files of strangers are opened in a process of their own with little memory and time: `python -m bot.cleaning` reads one from
standard input and writes it clean to standard output. Nothing touches a disk.
"""

from __future__ import annotations

import asyncio
import io
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pikepdf
from PIL import Image, ImageOps
from setproctitle import setproctitle

from bot.settings import ROOT

PIXELS = 50_000_000
"""Pixels of a picture at the most: a small file can unfold to gigabytes."""
SIDE = 4_096
"""Pixels of a kept picture's longer side at the most; a page of small print is readable at half of it."""
OBJECTS = 100_000
"""Objects of a document at the most."""
MEMORY = 1024 * 1024 * 1024
"""Bytes of address space that one file may take while it is open."""
SECONDS = 20
"""Seconds of computing that one file may take."""
AT_ONCE = 2
"""Files that are open at the same time."""

_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
_SAVE: dict[str, dict[str, Any]] = {"JPEG": {"quality": 88, "optimize": True}, "PNG": {"optimize": True}, "WEBP": {"quality": 88}}


class WrongKind(ValueError):
    """It is none of JPEG, PNG, WebP and PDF."""


class Broken(ValueError):
    """It cannot be opened, is locked by a password, or unfolds beyond all measure."""


@dataclass(frozen=True)
class Clean:
    """A file as it may be kept; `kind` is its media type."""

    kind: str
    data: bytes


_room = asyncio.Semaphore(AT_ONCE)


async def clean_apart(data: bytes) -> Clean:
    """Check a file and write it anew, in a process of its own: what breaks there breaks nothing here.

    Raises:
        WrongKind, Broken: it cannot be kept.
    """
    kind = kind_of(data)
    if kind is None:
        raise WrongKind
    async with _room:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot.cleaning",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=ROOT,
            env={},  # no key and no password of ours is near a stranger's file
        )
        try:
            written, _ = await asyncio.wait_for(child.communicate(data), SECONDS * 2)
        except TimeoutError:
            raise Broken from None
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
    if child.returncode != 0 or not written:
        raise Broken
    return Clean(kind, written)


def main() -> None:
    """Clean standard input to standard output; ends with 1 where it cannot be kept."""
    setproctitle("orienta files")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        written = clean(sys.stdin.buffer.read()).data
    except (WrongKind, Broken):
        sys.exit(1)
    sys.stdout.buffer.write(written)


def clean(data: bytes) -> Clean:
    """Check a file and write it anew, here.

    Raises:
        WrongKind, Broken: it cannot be kept.
    """
    kind = kind_of(data)
    if kind is None:
        raise WrongKind
    try:
        return Clean(kind, _document(data) if kind == "application/pdf" else _picture(data, _FORMATS[kind]))
    except Broken:
        raise
    except (OSError, ValueError, SyntaxError, ArithmeticError, LookupError, TypeError, MemoryError, EOFError, RecursionError) as error:
        raise Broken from error
    except (pikepdf.PdfError, pikepdf.PasswordError, Image.DecompressionBombError) as error:
        raise Broken from error


def kind_of(data: bytes) -> str | None:
    """The media type by the first bytes; None where it is none that is taken."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if b"%PDF-" in data[:1024]:
        return "application/pdf"
    return None


def _picture(data: bytes, form: str) -> bytes:
    """The first picture, upright, of the colours alone."""
    with Image.open(io.BytesIO(data), formats=[form]) as opened:
        if opened.width * opened.height > PIXELS:
            raise Broken
        opened.draft("RGB", (SIDE, SIDE))  # of a JPEG no more is unfolded than is kept
        upright = ImageOps.exif_transpose(opened)
    picture = upright.convert("RGBA" if form != "JPEG" and upright.has_transparency_data else "RGB")
    picture.thumbnail((SIDE, SIDE))
    picture.info = {}
    out = io.BytesIO()
    picture.save(out, form, **_SAVE[form])
    return out.getvalue()


# --- documents -----------------------------------------------------------------------------------------------------------------

_TELLING = ("/Metadata", "/PieceInfo", "/LastModified", "/AF")
"""What a part of a document may say of its making, or carry beside it."""
_DOING = ("/OpenAction", "/AA", "/JavaScript", "/JS", "/EmbeddedFiles", "/EmbeddedFile", "/Collection", "/XFA", "/EF", "/RichMediaContent")
"""What runs when it is opened, and files within."""
_ACTIONS = {"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToR", "/GoToE", "/Rendition", "/RichMediaExecute"}


def _document(data: bytes) -> bytes:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        if len(pdf.objects) > OBJECTS:
            raise Broken
        if not pdf.pages:
            raise Broken
        for key in ("/Info", "/ID"):
            if key in pdf.trailer:
                del pdf.trailer[key]
        for part in _parts(pdf):
            for key in (*_TELLING, *_DOING):
                if key in part:
                    del part[key]
            for key in ("/A", "/Next"):
                action = part.get(key)
                if isinstance(action, pikepdf.Dictionary) and str(action.get("/S", "")) in _ACTIONS:
                    del part[key]
            if isinstance(part, pikepdf.Stream) and part.get("/Subtype") == "/Image":
                _strip_photo(part)
        out = io.BytesIO()
        pdf.save(out, encryption=False, normalize_content=False)
        return out.getvalue()


def _parts(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Object]:
    """Every dictionary of the document, those within others too."""
    waiting: list[pikepdf.Object] = [
        thing for thing in pdf.objects if isinstance(thing, pikepdf.Dictionary | pikepdf.Stream | pikepdf.Array)
    ]
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, pikepdf.Array):
            inner = list(thing)
        else:
            yield thing
            inner = [value for _, value in thing.items()]
        waiting += [v for v in inner if isinstance(v, pikepdf.Dictionary | pikepdf.Array) and not v.is_indirect]


def _strip_photo(stream: pikepdf.Object) -> None:
    """A photo in a document is a JPEG as the telephone made it: with the place where it was taken."""
    filters = stream.get("/Filter")
    names = [str(f) for f in filters] if isinstance(filters, pikepdf.Array) else [str(filters)]
    if names != ["/DCTDecode"]:
        return
    parameters = stream.get("/DecodeParms")
    stream.write(
        without_notes(stream.read_raw_bytes()),
        filter=pikepdf.Name.DCTDecode,
        decode_parms=parameters if isinstance(parameters, pikepdf.Dictionary | pikepdf.Array) else None,
    )


_SCAN, _END = 0xDA, 0xD9


def without_notes(jpeg: bytes) -> bytes:
    """A JPEG without its notes (EXIF, XMP, IPTC, comments, pictures behind it); what is seen is the same to the bit.

    Raises:
        Broken: it is no JPEG from end to end.
    """
    kept, at = bytearray(b"\xff\xd8"), 2
    if jpeg[:2] != kept:
        raise Broken
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF:
        marker = jpeg[at + 1]
        if marker == 0xFF:  # a filling byte
            at += 1
            continue
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if not _is_note(marker, jpeg[at + 4 : at + 16]):
            kept += jpeg[at:end]
        at = end
        if marker == _SCAN:
            at = _end_of_scan(jpeg, end)
            kept += jpeg[end:at]
            if jpeg[at : at + 2] == bytes((0xFF, _END)):
                return bytes(kept) + jpeg[at : at + 2]
    raise Broken


def _is_note(marker: int, head: bytes) -> bool:
    """Whether a segment tells something else than how to read the picture: its form, its colours."""
    if marker == 0xE0:
        return not head.startswith(b"JFIF\0")
    if marker == 0xE2:
        return not head.startswith(b"ICC_PROFILE\0")
    return marker == 0xFE or (0xE1 <= marker <= 0xEF and marker != 0xEE)


def _end_of_scan(jpeg: bytes, at: int) -> int:
    """Where the next segment begins: at a marker that is neither a stuffed byte nor a restart."""
    while (at := jpeg.find(b"\xff", at)) >= 0:
        follows = jpeg[at + 1 : at + 2]
        if not follows:
            break
        if follows == b"\xff":
            at += 1
        elif follows[0] == 0 or 0xD0 <= follows[0] <= 0xD7:
            at += 2
        else:
            return at
    raise Broken


if __name__ == "__main__":
    main()
