/** What this machine says of itself in /proc and /sys: CPUs, interfaces, configuration. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import type { SystemConfig } from '../sys/index.ts';

/** CPUs of a list file such as `0-3,8`: ascending. */
function cpuList(file: string): number[] {
  const cpus: number[] = [];
  for (const part of readFileSync(file, 'utf8').trim().split(',')) {
    const [from, to] = part.split('-').map(Number);
    for (let cpu = from!; cpu <= (to ?? from!); cpu++) cpus.push(cpu);
  }
  return cpus;
}

/** Per-CPU maps have a value for each CPU that could ever be there. */
export const possibleCpus = (): number => Math.max(...cpuList('/sys/devices/system/cpu/possible')) + 1;
export const onlineCpus = (): number[] => cpuList('/sys/devices/system/cpu/online');

const SYSCTLS: Readonly<Record<string, string>> = {
  unprivileged_bpf_disabled: 'kernel/unprivileged_bpf_disabled',
  bpf_jit_enable: 'net/core/bpf_jit_enable',
  bpf_jit_harden: 'net/core/bpf_jit_harden',
  bpf_jit_kallsyms: 'net/core/bpf_jit_kallsyms',
  bpf_jit_limit: 'net/core/bpf_jit_limit',
};

export async function systemConfig(): Promise<SystemConfig> {
  const sysctl: Record<string, number | null> = {};
  for (const [name, path] of Object.entries(SYSCTLS)) {
    const text = await readFile(`/proc/sys/${path}`, 'utf8').catch(() => null);
    sysctl[name] = text === null ? null : Number(text);
  }
  const config: Record<string, string | null> = {};
  for (const line of (await kernelConfig()).split('\n')) {
    const set = /^(CONFIG_\w+)=(.*)$/.exec(line);
    if (set) config[set[1]!] = set[2]!.replace(/^"(.*)"$/, '$1');
  }
  return { sysctl, config, release: release() };
}

async function kernelConfig(): Promise<string> {
  const packed = await readFile('/proc/config.gz').catch(() => null);
  if (packed !== null) return gunzipSync(packed, { maxOutputLength: 1 << 24 }).toString('utf8');
  return readFile(`/boot/config-${release()}`, 'utf8').catch(() => '');
}
