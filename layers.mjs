/**
 * The layers, lowest first. A layer may import the layers it names, and itself; nothing else.
 * `face: false` means its files are facts, imported one by one; every other layer is entered by its index.ts.
 * `node: true` means it may use Node's own modules; every other layer also runs in a browser.
 * tools/check-layers.mjs enforces this table, and the picture in ARCHITECTURE.md follows it.
 */
export const LAYERS = {
  base: { uses: [], face: false },
  uapi: { uses: ['base'], face: false },
  isa: { uses: ['base', 'uapi'] },
  btf: { uses: ['base', 'uapi'] },
  object: { uses: ['base', 'uapi', 'isa', 'btf'] },
  verifier: { uses: ['base', 'uapi', 'isa', 'btf'] },
  vm: { uses: ['base', 'uapi', 'isa'] },
  maps: { uses: ['base', 'uapi'] },
  helpers: { uses: ['base', 'uapi', 'btf', 'vm', 'maps'] },
  sys: { uses: ['base', 'uapi'] },
  kernel: { uses: ['base', 'uapi', 'isa', 'btf', 'verifier', 'vm', 'maps', 'helpers', 'sys'] },
  native: { uses: ['base'], node: true },
  linux: { uses: ['base', 'uapi', 'sys', 'native'], node: true },
  remote: { uses: ['base', 'uapi', 'sys', 'native'], node: true },
  client: { uses: ['base', 'uapi', 'isa', 'btf', 'object', 'sys'] },
  sources: { uses: ['base', 'uapi', 'sys', 'native', 'kernel'], node: true },
  bpftool: { uses: ['base', 'uapi', 'isa', 'btf', 'object', 'sys', 'client'] },
  bin: {
    uses: ['base', 'uapi', 'isa', 'btf', 'object', 'sys', 'kernel', 'linux', 'remote', 'client', 'sources', 'bpftool'],
    node: true,
  },
};
