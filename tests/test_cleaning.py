"""Files of strangers: what they tell of their maker goes, what they show stays, and what is no file breaks nothing."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import zlib
from typing import Any

import pikepdf
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bot import cleaning
from bot.cleaning import Broken, WrongKind, clean, clean_apart, kind_of, without_notes
from bot.settings import ROOT

SECRET = b"SECRETO"


def photo(form: str = "JPEG", **more: Any) -> bytes:
    """A picture, red above and blue below, that a telephone has turned by a quarter and marked with place and maker."""
    picture = Image.new("RGB", (64, 48), "red")
    picture.paste("blue", (0, 24, 64, 48))
    notes = Image.Exif()
    notes[0x010F], notes[0x0112] = "SECRETO", 6  # the maker; "turn by 90 degrees"
    place = notes.get_ifd(0x8825)
    place[1], place[2] = "N", (32.0, 46.0, 1.0)
    out = io.BytesIO()
    if form == "PNG":
        told = PngInfo()
        told.add_text("Author", "SECRETO")
        more["pnginfo"] = told
    picture.save(out, form, exif=notes, **more)
    assert SECRET in out.getvalue()
    return out.getvalue()


def document() -> bytes:
    """A page with a photo, that says who wrote it and runs when it is opened."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(200, 200))
    pdf.docinfo["/Author"] = "SECRETO"
    with pdf.open_metadata() as metadata:
        metadata["dc:creator"] = ["SECRETO"]
    pdf.attachments["a.txt"] = SECRET
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="SECRETO")
    names = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="SECRETO")
    pdf.Root.Names.JavaScript = pikepdf.Dictionary(Names=pikepdf.Array(["x", pdf.make_indirect(names)]))
    link = pikepdf.Dictionary(S=pikepdf.Name.URI, URI="https://example.org")
    bad = pikepdf.Dictionary(S=pikepdf.Name.Launch, F="SECRETO")
    page.Annots = pikepdf.Array(
        [pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], A=a) for a in (link, bad)]
    )
    picture = pikepdf.Stream(pdf, photo())
    for key, value in {"Type": "/XObject", "Subtype": "/Image", "Filter": "/DCTDecode", "ColorSpace": "/DeviceRGB"}.items():
        picture[f"/{key}"] = pikepdf.Name(value)
    picture.Width, picture.Height, picture.BitsPerComponent = 64, 48, 8
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Photo=picture))
    page.Contents = pikepdf.Stream(pdf, b"/Photo Do")
    return saved(pdf)


def saved(pdf: pikepdf.Pdf, **more: Any) -> bytes:
    out = io.BytesIO()
    pdf.save(out, **more)
    return out.getvalue()


def in_the_open(data: bytes) -> bytes:
    """Everything that a document holds, unpacked."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return saved(
            pdf,
            compress_streams=False,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            stream_decode_level=pikepdf.StreamDecodeLevel.generalized,
        )


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_keeps_what_it_shows_and_nothing_else(form: str) -> None:
    found = clean(photo(form))

    assert found.kind == f"image/{form.lower()}"
    assert SECRET not in found.data
    with Image.open(io.BytesIO(found.data)) as picture:
        assert (picture.format, picture.size, dict(picture.getexif())) == (form, (48, 64), {})  # upright
        red, blue = (picture.convert("RGB").getpixel((x, 32)) for x in (40, 8))
    assert isinstance(red, tuple)
    assert isinstance(blue, tuple)
    assert (red[0] > 200, blue[2] > 200) == (True, True)


def test_a_document_keeps_its_pages_and_says_nothing_of_its_maker() -> None:
    before = document()
    assert in_the_open(before).count(SECRET) >= 6
    found = clean(before)

    assert found.kind == "application/pdf"
    left = in_the_open(found.data)
    assert SECRET not in left
    assert b"/JavaScript" not in left
    with pikepdf.open(io.BytesIO(found.data)) as pdf:
        (page,) = pdf.pages
        assert list(pdf.attachments) == []
        assert ["/A" in annotation for annotation in page.Annots] == [True, False]
        stream = page.Resources.XObject.Photo
        assert isinstance(stream, pikepdf.Stream)
        shown = pikepdf.PdfImage(stream).as_pil_image()
    with Image.open(io.BytesIO(photo())) as original:
        assert shown.tobytes() == original.tobytes()


@pytest.mark.parametrize("progressive", [False, True])
def test_a_photo_in_a_document_is_the_same_to_the_bit(progressive: bool) -> None:
    noise = Image.effect_noise((200, 100), 80).convert("RGB")
    notes = Image.Exif()
    notes[0x010F] = "SECRETO"
    out = io.BytesIO()
    noise.save(out, "JPEG", exif=notes, comment=SECRET, progressive=progressive, icc_profile=b"colours")
    behind = out.getvalue() + out.getvalue()  # some telephones put a second picture behind the first
    stripped = without_notes(behind)

    assert SECRET not in stripped
    with Image.open(io.BytesIO(stripped)) as after, Image.open(io.BytesIO(out.getvalue())) as before:
        assert (after.tobytes(), after.info.get("icc_profile")) == (before.tobytes(), b"colours")
    for cut in (1, 3, 40, len(stripped) - 2):
        with pytest.raises(Broken):
            without_notes(stripped[:cut])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hola",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a....",
        b"PK\x03\x04",
        b"\x00\x00\x00\x18ftypheic",
        b"MZ",
        b"RIFF0000WAVE",
    ],
)
def test_other_kinds_are_not_taken(data: bytes) -> None:
    assert kind_of(data) is None
    with pytest.raises(WrongKind):
        clean(data)


def locked() -> bytes:
    with pikepdf.open(io.BytesIO(document())) as pdf:
        return saved(pdf, encryption=pikepdf.Encryption(owner="a", user="b"))


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 60,000 pixels wide and high."""

    def part(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    head = (60_000).to_bytes(4, "big") * 2 + bytes((8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"\0" * 1000)) + part(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        photo()[:200],
        photo()[:3],
        b"\x89PNG\r\n\x1a\n" + b"x" * 99,
        b"%PDF-1.7\nnothing",
        document()[:300],
        locked(),
        bomb(),
        b"RIFF\0\0\0\0WEBPVP8 ",
    ],
    ids=["half", "three bytes", "no png", "no pdf", "half a pdf", "locked", "bomb", "no webp"],
)
def test_what_cannot_be_opened_is_broken(data: bytes) -> None:
    with pytest.raises(Broken):
        clean(data)


def test_a_file_is_opened_in_a_process_of_its_own() -> None:
    assert SECRET not in asyncio.run(clean_apart(photo())).data
    for data, refused in ((b"hola", WrongKind), (bomb(), Broken), (photo()[:200], Broken)):
        with pytest.raises(refused):
            asyncio.run(clean_apart(data))


def zeros(megabytes: int) -> bytes:
    """So many zeros, deflated: one megabyte's worth, again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    one = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    check = ((megabytes * 1_000_000 % 65_521) << 16) | 1
    return b"\x78\xda" + one * megabytes + b"\x03\x00" + check.to_bytes(4, "big")


def unfolding(megabytes: int) -> bytes:
    """A document whose sixth object stands in a stream that unfolds to so much."""
    inner = zeros(megabytes)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
        b"null",
        b"<</Type/ObjStm/N 1/First 4/Length %d/Filter/FlateDecode>>\nstream\n%s\nendstream" % (len(inner), inner),
    ]
    out, places = b"%PDF-1.5\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows = bytes(10) + b"".join(b"\1" + at.to_bytes(8, "big") + b"\0" for at in places) + b"\2" + (5).to_bytes(8, "big") + b"\0"
    rows += b"\1" + len(out).to_bytes(8, "big") + b"\0"
    index = b"<</Type/XRef/Size 8/W[1 8 1]/Root 1 0 R/Length %d>>\nstream\n%s\nendstream" % (len(rows), rows)
    return out + b"7 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF" % (index, len(out))


MEASURED = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "bot.cleaning"], stdin=sys.stdin, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""A small process between: a child counts what its parent held when it was forked, and ours holds a whole model by then."""


def memory_taken(data: bytes) -> int:
    """Kilobytes that the process took which opened the file."""
    done = subprocess.run([sys.executable, "-c", MEASURED], cwd=ROOT, input=data, stdout=subprocess.PIPE, check=True)
    return int(done.stdout)


def test_a_file_that_unfolds_to_gigabytes_takes_no_more_than_its_share() -> None:
    small, large = memory_taken(unfolding(200)), memory_taken(unfolding(3_000))

    assert small > 200 * 1024  # it is really unfolded
    assert large <= cleaning.MEMORY // 1024
