/**
 * The kernel's one source of chance: a small counter-based generator (sfc32), seeded from the host or by a test.
 * Good enough for bpf_get_prandom_u32 and for hash seeds; nothing secret depends on it.
 */
export function randomSource(seed = hostSeed()): () => number {
  let a = seed | 0;
  let b = 0x9e3779b9 | 0;
  let c = 0x243f6a88 | 0;
  let counter = 1;
  const next = () => {
    const out = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + out;
    return out >>> 0;
  };
  for (let i = 0; i < 12; i++) next(); // spreads the seed over the state
  return next;
}

function hostSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
