// XXH3-64 with seed 0, the hash of a source in correlation ids.
//
// All SDKs are tested with the examples in ../correlation.json. The SDK has its own implementation so that a plugin and
// its tests need no installed package.

const PRIME32 = [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn];
const PRIME64 = [
  0x9e3779b185ebca87n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n, 0x85ebca77c2b2ae63n, 0x27d4eb2f165667c5n,
];
const PRIME_MX1 = 0x165667919e3779f9n;
const PRIME_MX2 = 0x9fb21c651e98df25n;

/** The algorithm's default secret. */
const SECRET = view(
  Uint8Array.from(
    (
      "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221" +
      "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8" +
      "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb" +
      "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
    ).match(/../g),
    (pair) => Number.parseInt(pair, 16),
  ),
);

/** Returns the hash of `bytes` as a `bigint` of 64 bits. */
export function xxh3(bytes) {
  const data = view(bytes);
  if (bytes.length <= 16) return upTo16(data, bytes.length);
  if (bytes.length <= 128) return upTo128(data, bytes.length);
  return bytes.length <= 240 ? upTo240(data, bytes.length) : longer(data, bytes.length);
}

function upTo16(data, length) {
  if (length === 0) return avalancheXxh64(key(56) ^ key(64));
  if (length <= 3) {
    const [first, middle, last] = [0, length >> 1, length - 1].map((at) => BigInt(data.getUint8(at)));
    const mixed = (first << 16n) | (middle << 24n) | last | BigInt(length << 8);
    return avalancheXxh64(mixed ^ read32(SECRET, 0) ^ read32(SECRET, 4));
  }
  if (length <= 8) {
    let mixed = (read32(data, length - 4) | (read32(data, 0) << 32n)) ^ key(8) ^ key(16);
    mixed ^= rotate(mixed, 49n) ^ rotate(mixed, 24n);
    mixed = word(mixed * PRIME_MX2);
    mixed = word((mixed ^ ((mixed >> 35n) + BigInt(length))) * PRIME_MX2);
    return mixed ^ (mixed >> 28n);
  }
  const low = read64(data, 0) ^ key(24) ^ key(32);
  const high = read64(data, length - 8) ^ key(40) ^ key(48);
  return avalanche(BigInt(length) + swapped(low) + high + fold(low, high));
}

function upTo128(data, length) {
  let total = BigInt(length) * PRIME64[0];
  for (let at = 0; 2 * at < length; at += 16) {
    total += mix(data, at, 2 * at) + mix(data, length - at - 16, 2 * at + 16);
  }
  return avalanche(total);
}

function upTo240(data, length) {
  let total = BigInt(length) * PRIME64[0];
  for (let at = 0; at < 128; at += 16) total += mix(data, at, at);
  total = avalanche(total);
  for (let at = 128; at <= length - 16; at += 16) total += mix(data, at, at - 125);
  return avalanche(total + mix(data, length - 16, 119));
}

function longer(data, length) {
  const [one, two, three, four, five] = PRIME64;
  let lanes = [PRIME32[2], one, two, three, four, PRIME32[1], five, PRIME32[0]];
  for (let stripe = 0; 64 * (stripe + 1) < length; stripe += 1) {
    accumulate(lanes, data, 64 * stripe, 8 * (stripe % 16));
    if (stripe % 16 === 15) {
      lanes = lanes.map((lane, at) => word((lane ^ (lane >> 47n) ^ key(128 + 8 * at)) * PRIME32[0]));
    }
  }
  accumulate(lanes, data, length - 64, 121);
  let total = BigInt(length) * one;
  for (let at = 0; at < 8; at += 2) {
    total += fold(lanes[at] ^ key(11 + 8 * at), lanes[at + 1] ^ key(19 + 8 * at));
  }
  return avalanche(total);
}

function accumulate(lanes, data, start, keyStart) {
  for (let at = 0; at < 8; at += 1) {
    const value = read64(data, start + 8 * at);
    const keyed = value ^ key(keyStart + 8 * at);
    lanes[at ^ 1] = word(lanes[at ^ 1] + value);
    lanes[at] = word(lanes[at] + (keyed & 0xffffffffn) * (keyed >> 32n));
  }
}

function mix(data, at, keyAt) {
  return fold(read64(data, at) ^ key(keyAt), read64(data, at + 8) ^ key(keyAt + 8));
}

/** Both halves of the product, combined. */
function fold(left, right) {
  const product = left * right;
  return word(product) ^ (product >> 64n);
}

function avalanche(total) {
  let value = word(total);
  value = word((value ^ (value >> 37n)) * PRIME_MX1);
  return value ^ (value >> 32n);
}

function avalancheXxh64(start) {
  let value = word((start ^ (start >> 33n)) * PRIME64[1]);
  value = word((value ^ (value >> 29n)) * PRIME64[2]);
  return value ^ (value >> 32n);
}

/** The low 64 bits. */
function word(value) {
  return BigInt.asUintN(64, value);
}

function rotate(value, bits) {
  return word(value << bits) | (value >> (64n - bits));
}

/** The value with its bytes in reverse order. */
function swapped(value) {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigUint64(0, value, true);
  return bytes.getBigUint64(0);
}

function key(at) {
  return read64(SECRET, at);
}

function read32(data, at) {
  return BigInt(data.getUint32(at, true));
}

function read64(data, at) {
  return data.getBigUint64(at, true);
}

function view(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
