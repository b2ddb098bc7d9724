"""MessagePack for all JSON values, and also for bytes and for maps with other keys. Extension types are not supported.

State values are encoded with it, byte for byte as by the SDKs of the other languages. All SDKs are tested with the
vectors in ../../messagepack.json. The SDK has its own implementation so that a plugin and its tests need no installed
package.
"""

import dataclasses
import struct
from typing import Any

#: The maximum nesting depth.
MAX_DEPTH = 128


def encode(value: Any) -> bytes:
    """Encodes the value. Integers use their shortest form, floats 64 bits, and dataclasses are encoded as maps.

    Raises TypeError, ValueError or OverflowError for a value that cannot be encoded.
    """
    out = bytearray()
    _write(out, value, 0)
    return bytes(out)


def decode(data: bytes) -> Any:
    """Decodes all bytes as one value. Raises ValueError if they are anything else."""
    value, end = _read(data, 0, 0)
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes follow the value")
    return value


def _write(out: bytearray, value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"the value is nested deeper than {MAX_DEPTH} levels")
    if value is None:
        out.append(0xC0)
    elif isinstance(value, bool):
        out.append(0xC3 if value else 0xC2)
    elif isinstance(value, int):
        _write_integer(out, value)
    elif isinstance(value, float):
        out += struct.pack(">Bd", 0xCB, value)
    elif isinstance(value, str):
        data = utf8(value)
        _write_length(out, len(data), fix=0xA0, fix_max=31, markers=(0xD9, 0xDA, 0xDB))
        out += data
    elif isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value)
        _write_length(out, len(data), markers=(0xC4, 0xC5, 0xC6))
        out += data
    elif isinstance(value, (list, tuple)):
        _write_length(out, len(value), fix=0x90, fix_max=15, markers=(None, 0xDC, 0xDD))
        for item in value:
            _write(out, item, depth + 1)
    elif isinstance(value, dict):
        _write_length(out, len(value), fix=0x80, fix_max=15, markers=(None, 0xDE, 0xDF))
        for key, item in value.items():
            _write(out, key, depth + 1)
            _write(out, item, depth + 1)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        _write(out, dataclasses.asdict(value), depth)
    else:
        raise TypeError(f"type {type(value).__name__} is not supported")


def utf8(value: str) -> bytes:
    """Encodes a text as UTF-8. Raises ValueError for an unpaired surrogate."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{ascii(value)} contains an unpaired surrogate") from None


def _write_integer(out: bytearray, value: int) -> None:
    if -0x20 <= value < 0x80:
        out.append(value & 0xFF)
        return
    formats = ("BBHIQ", 0xCC) if value >= 0 else ("bbhiq", 0xD0)
    for power, kind in enumerate(formats[0][1:]):
        bits = 8 << power
        fits = value < 1 << bits if value >= 0 else value >= -(1 << (bits - 1))
        if fits:
            out += struct.pack(f">B{kind}", formats[1] + power, value)
            return
    raise OverflowError(f"{value} does not fit into 64 bits")


def _write_length(
    out: bytearray, length: int, *, markers: tuple[int | None, int, int], fix: int = 0, fix_max: int = -1
) -> None:
    one, two, four = markers
    if length <= fix_max:
        out.append(fix | length)
    elif one is not None and length < 0x100:
        out += struct.pack(">BB", one, length)
    elif length < 0x10000:
        out += struct.pack(">BH", two, length)
    else:
        out += struct.pack(">BI", four, length)


#: The format of the number after each numeric marker.
_NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
            0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
#: The kind of value and the format of its length, for each marker that a length follows.
_LENGTHS = {0xC4: ("bytes", ">B"), 0xC5: ("bytes", ">H"), 0xC6: ("bytes", ">I"),
            0xD9: ("text", ">B"), 0xDA: ("text", ">H"), 0xDB: ("text", ">I"),
            0xDC: ("list", ">H"), 0xDD: ("list", ">I"), 0xDE: ("map", ">H"), 0xDF: ("map", ">I")}
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}


def _read(data: bytes, place: int, depth: int) -> tuple[Any, int]:
    """Returns the value that begins at a position, and the position after it."""
    if depth > MAX_DEPTH:
        raise ValueError(f"the value is nested deeper than {MAX_DEPTH} levels")
    if place >= len(data):
        raise ValueError("the data ends in the middle of a value")
    marker = data[place]
    place += 1
    if marker < 0x80:
        return marker, place
    if marker >= 0xE0:
        return marker - 0x100, place
    if marker < 0x90:
        return _read_sized("map", marker & 0x0F, data, place, depth)
    if marker < 0xA0:
        return _read_sized("list", marker & 0x0F, data, place, depth)
    if marker < 0xC0:
        return _read_sized("text", marker & 0x1F, data, place, depth)
    if marker in _CONSTANTS:
        return _CONSTANTS[marker], place
    if marker in _NUMBERS:
        return _unpack(_NUMBERS[marker], data, place)
    if marker not in _LENGTHS:
        raise ValueError(f"type {marker:#x} is not supported")
    kind, form = _LENGTHS[marker]
    length, place = _unpack(form, data, place)
    return _read_sized(kind, length, data, place, depth)


def _read_sized(kind: str, length: int, data: bytes, place: int, depth: int) -> tuple[Any, int]:
    if kind in ("text", "bytes"):
        end = place + length
        if end > len(data):
            raise ValueError("the data ends in the middle of a value")
        return (data[place:end].decode() if kind == "text" else bytes(data[place:end])), end
    if kind == "list":
        items = []
        for _ in range(length):
            item, place = _read(data, place, depth + 1)
            items.append(item)
        return items, place
    pairs = {}
    for _ in range(length):
        key, place = _read(data, place, depth + 1)
        if isinstance(key, (list, dict)):
            raise ValueError("a list or a map cannot be a key")
        pairs[key], place = _read(data, place, depth + 1)
    return pairs, place


def _unpack(form: str, data: bytes, place: int) -> tuple[Any, int]:
    try:
        (value,) = struct.unpack_from(form, data, place)
    except struct.error:
        raise ValueError("the data ends in the middle of a value") from None
    return value, place + struct.calcsize(form)
