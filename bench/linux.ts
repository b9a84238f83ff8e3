/**
 * The Linux backend beside a C program over libbpf (linux/peer.c, compiled here): both use the same maps and the same
 * program, in turns, round after round. Shown is the best round of each, and the ratio.
 *
 *     npx tsx bench/linux.ts [-j] [--figures] [ROUNDS]
 *
 * It takes root, a C compiler and libbpf-dev. `-j` prints JSON; `--figures` writes the section of docs/figures.md.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BpfRingBuffer } from '../src/client/index.ts';
import { assemble, encode } from '../src/isa/index.ts';
import { openLinuxKernel } from '../src/linux/index.ts';
import { Bpf } from '../src/sys/index.ts';
import {
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_RINGBUF,
  BPF_PROG_TYPE_SOCKET_FILTER,
  BPF_RB_FORCE_WAKEUP,
  BPF_RB_NO_WAKEUP,
} from '../src/uapi/generated/constants.ts';
import { table, writeFigures } from '../tools/house/figures.mjs';

const ELEMENTS = 10_000;
const BATCH = 1024;
const SECONDS = 0.5;
const RING_SECONDS = 1;
const RING_SIZE = 1 << 20;
const RECORD = 64;
const COLD_STARTS = 20;

const { values: options, positionals } = parseArgs({
  options: { json: { type: 'boolean', short: 'j' }, figures: { type: 'boolean' } },
  allowPositionals: true,
});
const rounds = Number(positionals[0] ?? 5);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`ROUNDS is a number from 1, not '${positionals[0]}'`);
const dir = mkdtempSync(join(tmpdir(), 'skep-bench-'));
const peer = compilePeer();
const kernel = await openLinuxKernel();
const bpf = new Bpf(kernel);
/** Name of what was measured -> operations per second, a value per round. */
const ours = new Map<string, number[]>();
const theirs = new Map<string, number[]>();

try {
  const hash = await bpf.mapCreate({
    map_type: BPF_MAP_TYPE_HASH,
    key_size: 4,
    value_size: 8,
    max_entries: ELEMENTS,
    map_name: 'bench',
  });
  const ring = await bpf.mapCreate({ map_type: BPF_MAP_TYPE_RINGBUF, max_entries: RING_SIZE });
  const producer = await loadProducer(ring);
  const hashId = (await bpf.mapInfo(hash)).id;
  const ringId = (await bpf.mapInfo(ring)).id;
  const producerId = (await bpf.progInfo(producer)).id;
  for (let round = 0; round < rounds; round++) {
    for (const [name, n] of Object.entries(ask('elements', hashId, ELEMENTS, SECONDS))) {
      note(theirs, name, n);
      // The same C loop stands beside the calls with and without a promise.
      if (!name.endsWith('Batch')) note(theirs, `${name}Now`, n);
      if (name === 'lookupBatch') note(theirs, 'lookupBytes', n);
    }
    await elements(hash);

    await withProducer(producerId, () => note(theirs, 'records', ask('read', ringId, RING_SECONDS)['records']!));
    await withProducer(producerId, async () => note(ours, 'records', await recordsRead(ring)));
    // The same C reader stands beside both of ours.
    note(theirs, 'iterated', theirs.get('records')!.at(-1)!);
    await withProducer(producerId, async () => note(ours, 'iterated', await recordsIterated(ring)));

    note(theirs, 'coldStart', perSecond('bpftool', ['prog', 'show']));
    const command = fileURLToPath(new URL('../dist/bin/skep.js', import.meta.url));
    if (existsSync(command)) {
      note(ours, 'coldStart', perSecond(process.execPath, [command, '--kernel', 'linux', 'prog', 'show']));
    }
  }
} finally {
  await kernel.close();
  rmSync(dir, { recursive: true });
}
report();

function compilePeer(): string {
  const source = fileURLToPath(new URL('linux/peer.c', import.meta.url));
  const out = join(dir, 'peer');
  for (const compiler of ['cc', 'clang', 'clang-19']) {
    const { status } = spawnSync(compiler, ['-O2', '-o', out, source, '-lbpf'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (status === 0) return out;
  }
  throw new Error('linux/peer.c does not compile: it takes a C compiler and libbpf-dev');
}

/**
 * A program that sends 200 records of 64 bytes a run and wakes the reader once: a wake-up costs more than all else, and
 * would be what is measured.
 */
async function loadProducer(events: number): Promise<number> {
  const stores = Array.from({ length: RECORD / 8 }, (_, i) => `*(u64 *)(r10 -${8 * (i + 1)}) = ${i + 1};`).join(' ');
  const send = (flags: number) =>
    `r1 = map[events]; r2 = r10; r2 += -${RECORD}; r3 = ${RECORD}; r4 = ${flags}; call bpf_ringbuf_output#130;`;
  const text = `${stores} r6 = 199; ${send(BPF_RB_NO_WAKEUP)} r6 += -1; if r6 != 0 goto -9; ${send(BPF_RB_FORCE_WAKEUP)} r0 = 0; exit`;
  const insns = encode(assemble(text, { maps: { events } }));
  return (await bpf.progLoad({ prog_type: BPF_PROG_TYPE_SOCKET_FILTER, insns, license: 'GPL' })).fd;
}

function ask(...words: (string | number)[]): Record<string, number> {
  const { stdout, stderr } = spawnSync(peer, words.map(String), { encoding: 'utf8' });
  if (stdout === '') throw new Error(`peer ${words.join(' ')}: ${stderr}`);
  return JSON.parse(stdout);
}

async function withProducer(progId: number, use: () => void | Promise<void>): Promise<void> {
  const firing = spawn(peer, ['fire', String(progId), String(RING_SECONDS + 1)], { stdio: 'inherit' });
  const ended = new Promise((resolve) => firing.once('exit', resolve));
  await use();
  firing.kill();
  await ended;
}

async function elements(fd: number): Promise<void> {
  const keys = new Uint32Array(ELEMENTS).map((_, i) => i);
  const values = new BigUint64Array(ELEMENTS).map((_, i) => BigInt(i));
  const key = Array.from(keys, (k) => new Uint8Array(new Uint32Array([k]).buffer));
  const value = new Uint8Array(8);
  await measure('update', async (n) => {
    for (let i = 0; i < 1000; i++) await bpf.mapUpdate(fd, key[(n + i) % ELEMENTS]!, value);
    return 1000;
  });
  await measure('lookup', async (n) => {
    for (let i = 0; i < 1000; i++) await bpf.mapLookup(fd, key[(n + i) % ELEMENTS]!, 8);
    return 1000;
  });
  const absent = Array.from(keys, (k) => new Uint8Array(new Uint32Array([k + ELEMENTS]).buffer));
  await measure('missing', async (n) => {
    for (let i = 0; i < 1000; i++) await bpf.mapLookup(fd, absent[(n + i) % ELEMENTS]!, 8);
    return 1000;
  });
  const now = kernel.elements!;
  await measure('updateNow', async (n) => {
    for (let i = 0; i < 1000; i++) now.update(fd, key[(n + i) % ELEMENTS]!, value);
    return 1000;
  });
  await measure('lookupNow', async (n) => {
    for (let i = 0; i < 1000; i++) now.lookup(fd, key[(n + i) % ELEMENTS]!, 8);
    return 1000;
  });
  await measure('missingNow', async (n) => {
    for (let i = 0; i < 1000; i++) now.lookup(fd, absent[(n + i) % ELEMENTS]!, 8);
    return 1000;
  });
  const allKeys = new Uint8Array(keys.buffer);
  const allValues = new Uint8Array(values.buffer);
  await measure('updateBatch', () => bpf.mapUpdateBatch(fd, allKeys, allValues, ELEMENTS));
  await measure('lookupBytes', async () => {
    let n = 0;
    for await (const { count } of bpf.mapBatchBytes(fd, 4, 8, { step: BATCH })) n += count;
    return n;
  });
  await measure('lookupBatch', async () => {
    let n = 0;
    for await (const batch of bpf.mapBatches(fd, 4, 8, { step: BATCH })) n += batch.length;
    return n;
  });
}

/** Operations per second of processor time: what else the machine does is not measured. */
async function measure(name: string, step: (done: number) => Promise<number>): Promise<void> {
  const begin = process.cpuUsage();
  let done = 0;
  let seconds = 0;
  while (seconds < SECONDS) {
    done += await step(done);
    seconds = worked(begin);
  }
  note(ours, name, done / seconds);
}

async function recordsRead(ring: number): Promise<number> {
  const reader = await kernel.openRingBuffer(ring);
  const before = process.cpuUsage();
  let n = 0;
  for (const end = Date.now() + 1000 * RING_SECONDS; Date.now() < end; ) {
    for (const record of await reader.read()) if ('data' in record && record.data.length === RECORD) n++;
  }
  const seconds = worked(before);
  await reader.close();
  return n / seconds;
}

async function recordsIterated(fd: number): Promise<number> {
  const ring = await BpfRingBuffer.open(kernel.openRingBuffer(fd));
  const before = process.cpuUsage();
  const end = Date.now() + 1000 * RING_SECONDS;
  let n = 0;
  for await (const { data } of ring) {
    if (data.length === RECORD) n++;
    if (n % 1000 === 0 && Date.now() > end) break;
  }
  const seconds = worked(before);
  await ring.close();
  return n / seconds;
}

/** Seconds of processor time since then. */
function worked(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}

/** Runs a second of processor time. */
function perSecond(file: string, words: string[]): number {
  const before = childSeconds();
  for (let run = 0; run < COLD_STARTS; run++) {
    if (spawnSync(file, words, { stdio: 'ignore' }).status !== 0) return Number.NaN;
  }
  return COLD_STARTS / (childSeconds() - before);
}

/** Processor time of children that have ended: proc_pid_stat(5), in hundredths of a second. */
function childSeconds(): number {
  const [user = 0, system = 0] = readFileSync('/proc/self/stat', 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')
    .slice(13, 15)
    .map(Number);
  return (user + system) / 100;
}

function note(into: Map<string, number[]>, name: string, value: number): void {
  into.set(name, [...(into.get(name) ?? []), value]);
}

function report(): void {
  const names: Record<string, string> = {
    update: 'update, one element a call',
    lookup: 'lookup, one element a call',
    missing: 'lookup of a key that is not there',
    updateNow: 'update, without a promise (`kernel.elements`)',
    lookupNow: 'lookup, without a promise',
    missingNow: 'lookup of a key that is not there, without a promise',
    updateBatch: `update, ${ELEMENTS} elements a call`,
    lookupBatch: `lookup, ${BATCH} elements a call`,
    lookupBytes: `lookup, ${BATCH} elements a call, as bytes in a row`,
    records: `ring buffer, records of ${RECORD} bytes, reader`,
    iterated: `ring buffer, records of ${RECORD} bytes, async iterator`,
    coldStart: 'prog show, cold',
  };
  const best = (values: number[] | undefined) => (values === undefined ? Number.NaN : Math.max(...values));
  const rows = Object.entries(names).map(([name, title]) => {
    const [us, them] = [best(ours.get(name)), best(theirs.get(name))];
    return { name, title, skep: us, libbpf: them, ratio: us / them };
  });
  if (options.json) {
    console.log(JSON.stringify(rows.map(({ title: _, ...row }) => row)));
    return;
  }
  const text = table(
    ['operations', 'skep', 'C, libbpf', 'skep / C'],
    rows.map((r) => [r.title, amount(r.skep), amount(r.libbpf), `${(100 * r.ratio).toFixed(0)} %`]),
  );
  console.log(text);
  if (!options.figures) return;
  const note_ =
    'Elements are 4 bytes of key and 8 of value in a hash of 10,000. Lookups of skep answer a copy of each value. The ' +
    'ring is filled by another process as fast as it can, some 12 million records a second, for which the reader in C is ' +
    'idle most of the time. The C side of the cold start is bpftool. All is per second of processor time; best of the ' +
    'rounds.';
  writeFigures('The Linux backend beside libbpf', 'npx tsx bench/linux.ts --figures', `${note_}\n\n${text}`);
}

function amount(n: number): string {
  return n >= 1000 ? Math.round(n).toLocaleString('en-US') : n.toFixed(1);
}
