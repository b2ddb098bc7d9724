"""XXH3-64 with seed 0, the hash of a source in correlation ids.

All SDKs are tested with the examples in ../../correlation.json. The SDK has its own implementation so that a plugin and
its tests need no installed package.
"""

import struct

_WORD = (1 << 64) - 1

_PRIME32_1, _PRIME32_2, _PRIME32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
_PRIME64_1, _PRIME64_2, _PRIME64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_PRIME64_4, _PRIME64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
_PRIME_MX1, _PRIME_MX2 = 0x165667919E3779F9, 0x9FB21C651E98DF25

#: The algorithm's default secret.
_SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)


def xxh3_64(data: bytes) -> int:
    """Returns the hash as a number of 64 bits."""
    if len(data) <= 16:
        return _up_to_16(data)
    if len(data) <= 128:
        return _up_to_128(data)
    return _up_to_240(data) if len(data) <= 240 else _longer(data)


def _up_to_16(data: bytes) -> int:
    length = len(data)
    if length == 0:
        return _avalanche_xxh64(_key(56) ^ _key(64))
    if length <= 3:
        mixed = data[0] << 16 | data[length >> 1] << 24 | data[-1] | length << 8
        return _avalanche_xxh64(mixed ^ _read32(_SECRET, 0) ^ _read32(_SECRET, 4))
    if length <= 8:
        mixed = _read32(data, length - 4) + (_read32(data, 0) << 32) ^ _key(8) ^ _key(16)
        mixed ^= _rotate(mixed, 49) ^ _rotate(mixed, 24)
        mixed = mixed * _PRIME_MX2 & _WORD
        mixed = (mixed ^ (mixed >> 35) + length) * _PRIME_MX2 & _WORD
        return mixed ^ mixed >> 28
    low = _read64(data, 0) ^ _key(24) ^ _key(32)
    high = _read64(data, length - 8) ^ _key(40) ^ _key(48)
    swapped = int.from_bytes(low.to_bytes(8, "little"), "big")
    return _avalanche(length + swapped + high + _fold(low, high))


def _up_to_128(data: bytes) -> int:
    length = len(data)
    total = length * _PRIME64_1
    for pair in range((length - 1) // 32 + 1):
        total += _mix(data, 16 * pair, 32 * pair) + _mix(data, length - 16 * (pair + 1), 32 * pair + 16)
    return _avalanche(total)


def _up_to_240(data: bytes) -> int:
    length = len(data)
    total = length * _PRIME64_1 + sum(_mix(data, at, at) for at in range(0, 128, 16))
    total = _avalanche(total) + sum(_mix(data, at, at - 125) for at in range(128, length - 15, 16))
    return _avalanche(total + _mix(data, length - 16, 119))


def _longer(data: bytes) -> int:
    lanes = [_PRIME32_3, _PRIME64_1, _PRIME64_2, _PRIME64_3, _PRIME64_4, _PRIME32_2, _PRIME64_5, _PRIME32_1]
    for stripe in range((len(data) - 1) // 64):
        _accumulate(lanes, data, 64 * stripe, 8 * (stripe % 16))
        if stripe % 16 == 15:
            lanes = [(lane ^ lane >> 47 ^ _key(128 + 8 * at)) * _PRIME32_1 & _WORD for at, lane in enumerate(lanes)]
    _accumulate(lanes, data, len(data) - 64, 121)
    total = len(data) * _PRIME64_1
    for at in range(0, 8, 2):
        total += _fold(lanes[at] ^ _key(11 + 8 * at), lanes[at + 1] ^ _key(19 + 8 * at))
    return _avalanche(total)


def _accumulate(lanes: list[int], data: bytes, start: int, key: int) -> None:
    for at in range(8):
        word = _read64(data, start + 8 * at)
        keyed = word ^ _key(key + 8 * at)
        lanes[at ^ 1] = lanes[at ^ 1] + word & _WORD
        lanes[at] = lanes[at] + (keyed & 0xFFFFFFFF) * (keyed >> 32) & _WORD


def _mix(data: bytes, at: int, key: int) -> int:
    return _fold(_read64(data, at) ^ _key(key), _read64(data, at + 8) ^ _key(key + 8))


def _fold(left: int, right: int) -> int:
    """Both halves of the product, combined."""
    product = left * right
    return product & _WORD ^ product >> 64


def _avalanche(value: int) -> int:
    value &= _WORD
    value = (value ^ value >> 37) * _PRIME_MX1 & _WORD
    return value ^ value >> 32


def _avalanche_xxh64(value: int) -> int:
    value = (value ^ value >> 33) * _PRIME64_2 & _WORD
    value = (value ^ value >> 29) * _PRIME64_3 & _WORD
    return value ^ value >> 32


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> 64 - bits) & _WORD


def _key(at: int) -> int:
    return _read64(_SECRET, at)


def _read32(data: bytes, at: int) -> int:
    return struct.unpack_from("<I", data, at)[0]


def _read64(data: bytes, at: int) -> int:
    return struct.unpack_from("<Q", data, at)[0]
