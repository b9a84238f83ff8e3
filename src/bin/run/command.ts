/** `skep run OBJ`: load, attach, print what the programs print, until the traced command ends. */
import { readFile } from 'node:fs/promises';
import { EBUSY } from '../../base/errno.ts';
import {
  BpfError,
  BtfError,
  ElfError,
  SkepError,
  UnsupportedError,
  UsageError,
  VerifierError,
} from '../../base/errors.ts';
import { AttachError, type BpfMap, type BpfProgram, type Collection, loadCollection } from '../../client/index.ts';
import {
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_RINGBUF,
  BPF_PROG_TYPE_CGROUP_SKB,
} from '../../uapi/generated/constants.ts';
import type { KernelChoice } from '../argv.ts';
import type { Closers } from '../closers.ts';
import type { Host } from '../host.ts';
import { type Stream, traceCommand } from '../trace.ts';
import { hintFor } from './hints.ts';
import { cannotRead } from './input.ts';
import { type MapEntry, type RunOptions, readOptions, USAGE } from './options.ts';
import { replay } from './packets.ts';
import { recordFormatter } from './records.ts';

/** Where packets are when nobody says: the root of the cgroup tree. */
const ROOT_CGROUP = '/sys/fs/cgroup';

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
  const pipe = await host.kernel.openTracePipe();
  owned.add(() => pipe.close());
  const streams: Stream[] = [
    async () => {
      const lines = await pipe.read();
      if (lines.length > 0) process.stdout.write(lines.map((line) => `${line}\n`).join(''));
      return lines.length;
    },
  ];
  for (const map of Object.values(collection.maps)) {
    if (map.shape.type === BPF_MAP_TYPE_RINGBUF || map.shape.type === BPF_MAP_TYPE_PERF_EVENT_ARRAY) {
      streams.push(await recordStream(map, owned));
    }
  }
  return streams;
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

async function attachAll(host: Host, collection: Collection, options: RunOptions, owned: Closers): Promise<void> {
  const device = options.device ?? (options.pcap === undefined ? undefined : (await host.kernel.netDevices())[0]?.name);
  if (Object.keys(collection.programs).length === 0) {
    throw new SkepError('ERR_ATTACH', `'${options.object}' has no program: give a function a SEC("…") of its own`);
  }
  let attached = 0;
  for (const program of Object.values(collection.programs)) {
    const link = await attachOne(program, { ...options, device });
    if (!link) continue;
    attached++;
    owned.add(() => link.close());
  }
  if (attached === 0) throw new SkepError('ERR_ATTACH', `nothing in '${options.object}' could be attached`);
}

async function attachOne(program: BpfProgram, { device, cgroup, pcap }: RunOptions) {
  const packets = pcap !== undefined && program.origin.type === BPF_PROG_TYPE_CGROUP_SKB;
  const at = cgroup ?? (packets ? ROOT_CGROUP : undefined);
  try {
    return await program.attach({
      ...(device === undefined ? {} : { device }),
      ...(at === undefined ? {} : { cgroup: at }),
    });
  } catch (error) {
    if (error instanceof AttachError && error.needs !== undefined && error.needs !== 'event') {
      const { name, origin } = program;
      throw new UsageError(`'${name}' (SEC("${origin.section}")) needs to know its ${error.needs}: --${error.needs} …`);
    }
    if (error instanceof BpfError) {
      const hint = error.errno === EBUSY ? '; one program at a time: choose with --prog NAME' : '';
      throw new SkepError(error.code, `cannot attach '${program.name}': ${error.message}${hint}`, { cause: error });
    }
    if (!(error instanceof UnsupportedError)) throw error;
    process.stderr.write(`skep: ${error.message}\n`);
    return undefined;
  }
}
