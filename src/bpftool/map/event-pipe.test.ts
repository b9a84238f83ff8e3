import { describe, expect, it } from 'vitest';
import { createKernel } from '../../kernel/index.ts';
import type { EventRecord, Kernel } from '../../sys/index.ts';
import { runBpftool } from '../index.ts';
import type { Io } from '../io.ts';

/** Runs `map event_pipe` on a kernel whose programs sent `records`. */
async function piped(words: readonly string[], records: EventRecord[]) {
  const client = createKernel().open();
  const { ret } = await client.bpf('MAP_CREATE', { map_type: 4, key_size: 4, value_size: 4, max_entries: 2 });
  await client.bpf('OBJ_PIN', { pathname: '/sys/fs/bpf/events', bpf_fd: ret });
  const answers = [records, []];
  const kernel: Kernel = Object.assign(client, {
    openPerfBuffer: async () => ({ read: async () => answers.shift() ?? [], close: async () => {} }),
  });
  const answer = { out: '', err: '', status: 0 };
  const io = {
    out: (text: string) => void (answer.out += text),
    err: (text: string) => void (answer.err += text),
    bootTime: () => Date.now() - 2000,
    interrupted: new AbortController().signal,
  } as unknown as Io;
  answer.status = await runBpftool(words, { io, openKernel: async () => kernel, usage: 'Usage: skep\n' });
  return answer;
}

const MAP = ['pinned', '/sys/fs/bpf/events'];

describe('map event_pipe', () => {
  it('shows events as hex rows, and how many were lost', async () => {
    const { out, err, status } = await piped(
      ['map', 'event_pipe', ...MAP],
      [
        { data: Uint8Array.of(1, 2, 255), cpu: 1 },
        { lost: 7, cpu: 0 },
      ],
    );
    expect(out).toMatch(/^== @2\.\d{9} CPU: 1 index: 1 =====\n01 02 ff\nlost 7 events\n$/);
    expect({ err, status }).toEqual({ err: 'Stopping...\n', status: 0 });
  });

  it('shows those of one CPU as JSON', async () => {
    const words = ['-j', 'map', 'event_pipe', ...MAP, 'cpu', '0', 'index', '3'];
    const { out } = await piped(words, [
      { data: Uint8Array.of(9), cpu: 0 },
      { data: Uint8Array.of(8), cpu: 1 },
    ]);
    const { timestamp, ...event } = JSON.parse(out)[0];
    expect(event).toEqual({ type: 9, cpu: 0, index: 3, data: [9] });
    expect(timestamp).toBeGreaterThan(0);
    expect(JSON.parse(out)).toHaveLength(1);
  });

  it('wants the CPU and the index together', async () => {
    const { err, status } = await piped(['map', 'event_pipe', ...MAP, 'cpu', '0'], []);
    expect({ err, status }).toEqual({ err: 'Error: cpu and index must be specified together\n', status: 255 });
  });
});
