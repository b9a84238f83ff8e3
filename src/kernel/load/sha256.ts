/** SHA-256 (FIPS 180-4) of a few kilobytes at once: what program tags are made of. */

/** The first 32 bits of the fractional parts of the square roots (`power` 2) or cube roots (3) of the first primes. */
function rootsOfPrimes(count: number, power: 2 | 3): Int32Array {
  const out = new Int32Array(count);
  for (let n = 2, found = 0; found < count; n++) {
    let isPrime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) isPrime = false;
    if (!isPrime) continue;
    out[found++] = Number(BigInt.asIntN(32, integerRoot(BigInt(n) << BigInt(32 * power), power)));
  }
  return out;
}

/** The largest integer whose `power`-th power is at most `n`, by bisection. */
function integerRoot(n: bigint, power: 2 | 3): bigint {
  let low = 0n;
  let high = 1n << 40n;
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle ** BigInt(power) <= n) low = middle;
    else high = middle - 1n;
  }
  return low;
}

const START = rootsOfPrimes(8, 2);
const ROUND = rootsOfPrimes(64, 3);
const BLOCK = 64;

export function sha256(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / BLOCK) * BLOCK);
  padded.set(message);
  padded[message.length] = 0x80;
  const words = new DataView(padded.buffer);
  words.setBigUint64(padded.length - 8, BigInt(message.length) * 8n);
  const hash = START.slice();
  const w = new Int32Array(64);
  for (let at = 0; at < padded.length; at += BLOCK) {
    for (let i = 0; i < 16; i++) w[i] = words.getInt32(at + 4 * i);
    compress(hash, w);
  }
  const out = new Uint8Array(32);
  for (const [i, word] of hash.entries()) new DataView(out.buffer).setInt32(4 * i, word);
  return out;
}

function compress(hash: Int32Array, w: Int32Array): void {
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15]!;
    const y = w[i - 2]!;
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    w[i] = w[i - 16]! + s0 + w[i - 7]! + s1;
  }
  let [a, b, c, d, e, f, g, h] = hash as unknown as [number, number, number, number, number, number, number, number];
  for (let i = 0; i < 64; i++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i]! + w[i]!) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  for (const [i, value] of [a, b, c, d, e, f, g, h].entries()) hash[i]! += value;
}

function rotate(x: number, by: number): number {
  return (x >>> by) | (x << (32 - by));
}
