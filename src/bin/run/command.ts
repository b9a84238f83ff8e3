/** `skep run OBJ`: load, attach, print what the programs print, until the traced command ends. */
import { readFile } from 'node:fs/promises';
import { view } from '../../base/bytes.ts';
import { BpfError, BtfError, ElfError, SkepError, UsageError, VerifierError } from '../../base/errors.ts';
import { type BpfMap, type Collection, loadCollection } from '../../client/index.ts';
import { BPF_CALL, BPF_JMP } from '../../isa/index.ts';
import type { ProgramSpec } from '../../object/index.ts';
import { BPF_MAP_TYPE_PERF_EVENT_ARRAY, BPF_MAP_TYPE_RINGBUF } from '../../uapi/generated/constants.ts';
import type { KernelChoice } from '../argv.ts';
import type { Closers } from '../closers.ts';
import type { Host } from '../host.ts';
import { confinement, type Stream, traceCommand } from '../trace.ts';
import { attachAll } from './attach.ts';
import { hintFor } from './hints.ts';
import { cannotRead } from './input.ts';
import { type MapEntry, readOptions, USAGE } from './options.ts';
import { replay } from './packets.ts';
import { recordFormatter } from './records.ts';

/** bpf_trace_printk and bpf_trace_vprintk. */
const PRINTING: ReadonlySet<number> = new Set([6, 177]);

export async function runCommand(words: readonly string[], choice: KernelChoice): Promise<number> {
  if (words.includes('--help') || words[0] === '-h') {
    process.stdout.write(USAGE);
    return 0;
  }
  const options = readOptions(words);
  const { pcap } = options;
  if (options.command.length === 0 && choice !== 'linux' && pcap === undefined) {
    throw new UsageError('the embedded kernel sees the commands it runs: skep run OBJ -- COMMAND (or --pcap FILE)');
  }
  if (pcap !== undefined && choice === 'linux') {
    throw new UsageError('--pcap feeds the embedded kernel: leave --kernel linux out, or give --device instead');
  }
  const bytes = await readFile(options.object).catch((error: unknown) => cannotRead(options.object, error));
  let collection: Collection | undefined;
  const prepare = async (host: Host, owned: Closers) => {
    collection = await loadCollection(host.kernel, bytes, {
      name: options.object,
      ...confinement(host),
      globals: options.globals,
      ...(options.programs.length > 0 ? { programs: options.programs } : {}),
      warn: (message) => void process.stderr.write(`skep: ${message}\n`),
      onRefused: (program, error) => {
        if (error instanceof VerifierError) process.stderr.write(`${error.log.trimEnd()}\n`);
        process.stderr.write(`skep: the kernel refused '${program}'\n`);
      },
    }).catch((error: unknown) => refused(options.object, error));
    const loaded = collection;
    owned.add(() => loaded.close());
    for (const entry of options.entries) await setEntry(loaded, entry);
    const streams = await openStreams(host, loaded, owned);
    await attachAll(host, loaded, options, owned);
    return streams;
  };
  if (pcap === undefined) return traceCommand({ choice, command: options.command, prepare });
  return traceCommand({ choice, command: [], prepare, work: (host) => replay(host, collection!, pcap) });
}

function refused(object: string, error: unknown): never {
  if (error instanceof ElfError || error instanceof BtfError) cannotRead(object, error);
  const hint = hintFor(error);
  if (hint === undefined || !(error instanceof SkepError)) throw error;
  throw new SkepError(error.code, `${error.message}: ${hint}`, { cause: error });
}

async function setEntry(collection: Collection, { map, key, value }: MapEntry): Promise<void> {
  const target = collection.map(map);
  try {
    await target.set(key, value);
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    throw new SkepError(error.code, `--set ${map}:${key}=${value}: ${error.message}`, { cause: error });
  }
}

/** What the programs say: the trace pipe, and every map that carries records. */
async function openStreams(host: Host, collection: Collection, owned: Closers): Promise<Stream[]> {
  const streams = Object.keys(collection.programs).some((name) => prints(collection.spec.programs.get(name)))
    ? await traceLines(host, owned)
    : [];
  for (const map of Object.values(collection.maps)) {
    if (map.shape.type === BPF_MAP_TYPE_RINGBUF || map.shape.type === BPF_MAP_TYPE_PERF_EVENT_ARRAY) {
      streams.push(await recordStream(map, owned));
    }
  }
  return streams;
}

/** Lines of bpf_printk. Programs are useful without them: where they cannot be read, a line says why. */
async function traceLines({ kernel }: Host, owned: Closers): Promise<Stream[]> {
  try {
    const pipe = await kernel.openTracePipe({ fromNow: true });
    owned.add(() => pipe.close());
    const print: Stream = async () => {
      const lines = await pipe.read();
      if (lines.length > 0) process.stdout.write(lines.map((line) => `${line}\n`).join(''));
      return lines.length;
    };
    return [print];
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    process.stderr.write(`skep: what programs print is not shown: ${error.message}\n`);
    return [];
  }
}

function prints(program: ProgramSpec | undefined): boolean {
  const { insns = new Uint8Array() } = program ?? {};
  const dv = view(insns);
  for (let at = 0; at < insns.length; at += 8) {
    if (insns[at] === (BPF_JMP | BPF_CALL) && insns[at + 1] === 0 && PRINTING.has(dv.getInt32(at + 4, true)))
      return true;
  }
  return false;
}

async function recordStream(map: BpfMap, owned: Closers): Promise<Stream> {
  const ring = await map.ring();
  owned.add(() => {
    if (ring.lost > 0)
      process.stderr.write(`skep: ${ring.lost} records of '${map.name}' were lost: too many at once\n`);
    return ring.close();
  });
  const text = recordFormatter(map.name, map.shape.btf);
  return async () => {
    const records = await ring.read();
    if (records.length > 0) process.stdout.write(records.map(({ data }) => `${map.name}: ${text(data)}\n`).join(''));
    return records.length;
  };
}
