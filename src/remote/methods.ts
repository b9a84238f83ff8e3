/**
 * What a peer may ask for, each with a look at its arguments: they come from outside, and beyond this point the types
 * are believed. Attributes of bpf(2) are checked against uapi/commands.ts.
 */
import { FormatError } from '../base/errors.ts';
import type { EventReader, Kernel, LineReader, PerfEventSpec, XdpMode, XdpOptions } from '../sys/index.ts';
import { type Attr, COMMANDS, type CommandName, type Field } from '../uapi/commands.ts';
import { isRecord } from './protocol.ts';
import type { Value } from './value.ts';

type Method = (kernel: Kernel, args: readonly Value[]) => Promise<Value | EventReader | LineReader>;

export const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['bpf', async (kernel, [command, attr]) => (await callBpf(kernel, command, attr)) as unknown as Value],
  ['closeFd', async (kernel, [fd]) => kernel.closeFd(number(fd)) as Promise<undefined>],
  ['fdInfo', (kernel, [fd]) => kernel.fdInfo(number(fd))],
  ['openCgroup', (kernel, [path]) => kernel.openCgroup(text(path))],
  ['perfEventOpen', (kernel, [event]) => kernel.perfEventOpen(perfEvent(event))],
  [
    'perfEventAttach',
    async (kernel, [event, prog]) => kernel.perfEventAttach(number(event), number(prog)) as Promise<undefined>,
  ],
  ['openRingBuffer', (kernel, [fd]) => kernel.openRingBuffer(number(fd))],
  [
    'openPerfBuffer',
    (kernel, [fd, pages]) =>
      kernel.openPerfBuffer(number(fd), pages === undefined ? {} : { pagesPerCpu: number(pages) }),
  ],
  ['openTracePipe', (kernel, [fromNow]) => kernel.openTracePipe({ fromNow: fromNow === true })],
  ['bpffs.mounts', (kernel) => kernel.bpffs.mounts()],
  ['bpffs.list', async (kernel, [path]) => (await kernel.bpffs.list(text(path))) as unknown as Value],
  ['bpffs.mkdir', async (kernel, [path]) => kernel.bpffs.mkdir(text(path)) as Promise<undefined>],
  ['bpffs.remove', async (kernel, [path]) => kernel.bpffs.remove(text(path)) as Promise<undefined>],
  ['bpffs.stat', async (kernel, [path]) => (await kernel.bpffs.stat(text(path))) as unknown as Value],
  ['net.query', async (kernel) => (await kernel.net.query()) as unknown as Value],
  [
    'net.attachXdp',
    (kernel, [ifindex, prog, options]) =>
      kernel.net.attachXdp(number(ifindex), number(prog), xdpOptions(options)) as Promise<undefined>,
  ],
  [
    'net.detachXdp',
    (kernel, [ifindex, options]) => kernel.net.detachXdp(number(ifindex), xdpOptions(options)) as Promise<undefined>,
  ],
  ['perfHolders', async (kernel) => (await kernel.perfHolders()) as unknown as Value],
  [
    'readIterator',
    (kernel, [fd, size]) => kernel.readIterator(number(fd), size === undefined ? undefined : number(size)),
  ],
  ['netDevices', async (kernel) => (await kernel.netDevices()) as unknown as Value],
  ['systemConfig', async (kernel) => (await kernel.systemConfig()) as unknown as Value],
]);

function callBpf(kernel: Kernel, command: Value, attr: Value) {
  if (typeof command !== 'string' || !Object.hasOwn(COMMANDS, command)) throw new FormatError('no command of bpf(2)');
  return kernel.bpf(command as CommandName, checkedAttr(command as CommandName, attr));
}

/** The attributes, each of the kind that its field has; whatever is no field is left out. */
function checkedAttr(command: CommandName, attr: Value): Attr<CommandName> {
  if (!isRecord(attr)) throw new FormatError(`${command} without attributes`);
  const out: Record<string, unknown> = {};
  const fields: Readonly<Record<string, Field>> = COMMANDS[command].fields;
  for (const [name, field] of Object.entries(fields)) {
    const value = attr[name];
    if (value === undefined) continue;
    if (!fits(field, value)) throw new FormatError(`${name} of ${command} is not what it should be`);
    out[name] = value;
  }
  return out as Attr<CommandName>;
}

function fits(field: Field, value: Value): boolean {
  switch (field.kind) {
    case 'u32':
    case 'room':
      return isInteger(value, 0, 0xffffffff);
    case 's32':
      return isInteger(value, -0x80000000, 0xffffffff);
    case 'u64':
      return typeof value === 'bigint' || isInteger(value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    case 'name':
    case 'cstr':
      return typeof value === 'string';
    case 'cstrs':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    case 'bytes':
      return value instanceof Uint8Array;
    case 'info':
      return isRecord(value) && typeof value['of'] === 'string' && isWant(value['want']);
  }
}

function isWant(want: Value): boolean {
  if (want === undefined) return true;
  return isRecord(want) && Object.values(want).every((room) => isInteger(room, 0, 0xffffffff));
}

function isInteger(value: Value, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
}

function number(value: Value): number {
  if (!isInteger(value, -0x80000000, 0xffffffff)) throw new FormatError('an argument that is no number');
  return value;
}

function text(value: Value): string {
  if (typeof value !== 'string') throw new FormatError('an argument that is no text');
  return value;
}

const XDP_MODES: readonly XdpMode[] = ['generic', 'driver', 'offload'];

function xdpOptions(value: Value): XdpOptions {
  if (value === undefined) return {};
  if (!isRecord(value)) throw new FormatError('options that are no record');
  const { mode, replace, expected } = value;
  const known = XDP_MODES.find((one) => one === mode);
  if (mode !== undefined && known === undefined) throw new FormatError('a mode of XDP that is not known');
  return {
    ...(known === undefined ? {} : { mode: known }),
    ...(typeof replace === 'boolean' ? { replace } : {}),
    ...(expected === undefined ? {} : { expected: number(expected) }),
  };
}

/** The members of a PerfEventSpec, by their kinds. */
const EVENT_TEXTS = ['category', 'name', 'symbol', 'path'] as const;
const EVENT_NUMBERS = ['offset', 'pid', 'refCtrOffset', 'type', 'sampleFreq', 'samplePeriod', 'cpu'] as const;
const EVENT_KINDS: Readonly<Record<PerfEventSpec['kind'], readonly string[]>> = {
  tracepoint: ['category', 'name'],
  kprobe: ['symbol'],
  kretprobe: ['symbol'],
  uprobe: ['path', 'offset'],
  uretprobe: ['path', 'offset'],
  event: ['type', 'config'],
};

function perfEvent(value: Value): PerfEventSpec {
  if (!isRecord(value)) throw new FormatError('an event that is no record');
  const kind = value['kind'];
  const needed =
    typeof kind === 'string' && Object.hasOwn(EVENT_KINDS, kind)
      ? EVENT_KINDS[kind as PerfEventSpec['kind']]
      : undefined;
  if (needed === undefined) throw new FormatError('an event of no known kind');
  const out: Record<string, unknown> = { kind };
  for (const name of EVENT_TEXTS) if (value[name] !== undefined) out[name] = text(value[name]);
  for (const name of EVENT_NUMBERS) if (value[name] !== undefined) out[name] = number(value[name]);
  if (typeof value['config'] === 'bigint') out['config'] = value['config'];
  for (const name of needed) if (out[name] === undefined) throw new FormatError(`an event without ${name}`);
  return out as unknown as PerfEventSpec;
}
