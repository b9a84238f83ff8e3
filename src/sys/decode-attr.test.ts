import fc from 'fast-check';
import { expect, it } from 'vitest';
import { E2BIG, EFAULT, EINVAL } from '../base/errno.ts';
import { type Attr, COMMANDS, type CommandName, type Field } from '../uapi/commands.ts';
import { BPF_TRACE_KPROBE_MULTI } from '../uapi/generated/constants.ts';
import { encodeAttr } from './attr.ts';
import { type CallerMemory, decodeAttr } from './decode-attr.ts';

/** Addresses for bytes, and bytes for addresses. */
class FakeMemory implements CallerMemory {
  readonly #blocks = new Map<number, Uint8Array>();
  #next = 0x10000;
  addressOf = (bytes: Uint8Array): number => {
    const addr = this.#next;
    this.#next += (bytes.length + 0x2000) & ~0xfff;
    this.#blocks.set(addr, bytes);
    return addr;
  };
  read(addr: bigint, size: number): Uint8Array | null {
    const block = this.#blocks.get(Number(addr));
    if (block === undefined) return null;
    const out = new Uint8Array(size); // memory goes on behind what was put there
    out.set(block.subarray(0, size));
    return out;
  }
  write(addr: bigint, bytes: Uint8Array): boolean {
    const block = this.#blocks.get(Number(addr));
    if (block === undefined || bytes.length > block.length) return false;
    block.set(bytes);
    return true;
  }
}

const NAMES = (Object.keys(COMMANDS) as CommandName[]).filter((name) => name !== 'OBJ_GET_INFO_BY_FD');
const text = (maxLength: number) => fc.string({ unit: fc.constantFrom('a', 'Z', '_', '0', '.'), maxLength });

function givenTo(field: Field): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'u32':
      return fc.integer({ min: 0, max: 0xffffffff });
    case 's32':
      return fc.integer();
    case 'u64':
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case 'name':
      return text(15);
    case 'cstr':
      return text(40);
    case 'cstrs':
      return fc.array(text(20), { minLength: 1, maxLength: 3 });
    case 'bytes':
      return fc
        .uint8Array({ minLength: 1, maxLength: 8 })
        .map((b) => new Uint8Array(b.length * (field.unit ?? 1)).fill(7));
    default:
      return fc.integer({ min: 1, max: 64 }).map((n) => n * (field.unit ?? 1));
  }
}

/** A command with every field that its caller gives. */
const call = fc.constantFrom(...NAMES).chain((command) => {
  const fields = Object.entries(COMMANDS[command].fields as Record<string, Field>);
  const given = fields.filter(([, field]) => field.dir !== 'out' || field.kind === 'room');
  const values = Object.fromEntries(given.map(([name, field]) => [name, givenTo(field)]));
  return fc.record(values).map((attr) => ({ command, attr: withoutOverlaps(command, attr) as Attr<CommandName> }));
});

/** Fields of link_create's inner union share their place: at most one group may be given. */
function withoutOverlaps(command: CommandName, attr: Record<string, unknown>): Record<string, unknown> {
  if (command !== 'LINK_CREATE') return attr;
  const { prog_fd, target_fd, flags, kprobe_multi_flags, kprobe_multi_cnt, kprobe_multi_syms } = attr;
  const attach_type = BPF_TRACE_KPROBE_MULTI;
  return { prog_fd, target_fd, attach_type, flags, kprobe_multi_flags, kprobe_multi_cnt, kprobe_multi_syms };
}

it('what was encoded is decoded as it was', () => {
  fc.assert(
    fc.property(call, ({ command, attr }) => {
      const memory = new FakeMemory();
      const values = attr as Readonly<Record<string, unknown>>;
      const { bytes } = encodeAttr(command, attr, memory);
      const decoded = decodeAttr(command, bytes, memory, (name) => sizeOf(values[name]));
      if (typeof decoded === 'number') throw new Error(`-${decoded}`);
      expect(decoded.attr).toMatchObject(attr);
    }),
    { numRuns: 500 },
  );
});

function sizeOf(value: unknown): number {
  if (value instanceof Uint8Array) return value.length;
  if (Array.isArray(value)) return 8 * value.length;
  return typeof value === 'number' ? value : 0;
}

it('an answer that is written is the answer that is read', () => {
  const memory = new FakeMemory();
  const encoded = encodeAttr('PROG_TEST_RUN', { prog_fd: 3, data_out: 8, ctx_out: 4 }, memory);
  const decoded = decodeAttr('PROG_TEST_RUN', encoded.bytes, memory, () => 0);
  if (typeof decoded === 'number') throw new Error(String(decoded));
  const answer = {
    retval: 7,
    duration: 9,
    data_size_out: 3,
    data_out: Uint8Array.of(1, 2, 3),
    ctx_size_out: 0,
    ctx_out: new Uint8Array(0),
  };
  expect(decoded.write(answer)).toBe(0);
  expect(encoded.answer(0)).toEqual({ ret: 0, ...answer });
});

it('an older, shorter attr has zeros behind it', () => {
  const decoded = decodeAttr('PROG_GET_NEXT_ID', Uint8Array.of(5, 0, 0, 0), new FakeMemory(), () => 0);
  expect(decoded).toMatchObject({ attr: { start_id: 5, open_flags: 0 } });
});

it('bits that mean something unknown are refused as bpf(2) does', () => {
  const memory = new FakeMemory();
  const at = (offset: number, size: number) => {
    const bytes = new Uint8Array(size);
    bytes[offset] = 1;
    return bytes;
  };
  const decode = (bytes: Uint8Array) => decodeAttr('PROG_GET_NEXT_ID', bytes, memory, () => 0);
  expect(decode(at(199, 200))).toBe(-E2BIG);
  expect(decode(new Uint8Array(4097))).toBe(-E2BIG);
  expect(typeof decode(new Uint8Array(4096))).toBe('object');
  expect(decodeAttr('LINK_DETACH', at(0, 4), memory, () => 0)).toMatchObject({ attr: { link_fd: 1 } });
});

it('pointers to nowhere are EFAULT, and an unended name EINVAL', () => {
  const memory = new FakeMemory();
  const { bytes } = encodeAttr('OBJ_PIN', { pathname: '/x', bpf_fd: 3 }, new FakeMemory());
  expect(decodeAttr('OBJ_PIN', bytes, memory, () => 0)).toBe(-EFAULT);
  const create = encodeAttr('MAP_CREATE', {}, memory).bytes;
  create.fill(0x61, 28, 44);
  expect(decodeAttr('MAP_CREATE', create, memory, () => 0)).toBe(-EINVAL);
});

it('any bytes are attributes or an errno', () => {
  fc.assert(
    fc.property(fc.constantFrom(...NAMES), fc.uint8Array({ maxLength: 256 }), (command, bytes) => {
      const decoded = decodeAttr(command, bytes, new FakeMemory(), () => 8);
      if (typeof decoded === 'number') expect([-E2BIG, -EFAULT, -EINVAL]).toContain(decoded);
    }),
    { numRuns: 500 },
  );
});
