/**
 * Who loads an example, on which kernel. Linux takes away capabilities from processes, so those examples that are loaded
 * with few are asked in a process of their own: this file, as a program, with their words on its standard input.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { EmbeddedKernel } from '../../src/kernel/index.ts';
import { openLinuxKernel } from '../../src/linux/index.ts';
import type { Kernel } from '../../src/sys/index.ts';
import { ALL_CAPABILITIES, type Capability } from '../../src/uapi/capabilities.ts';
import type { Example } from './examples.ts';
import { type Answer, provoke } from './programs.ts';

function openFor(embedded: EmbeddedKernel, { capabilities }: Example): Kernel {
  if (capabilities === '') return embedded.open();
  return embedded.open({ uid: 1000, capabilities: capabilities.split(' ') as Capability[] });
}

/** What the embedded kernel says; the kernel itself serves any number of examples. */
export async function askEmbedded(embedded: EmbeddedKernel, example: Example): Promise<Answer> {
  const kernel = openFor(embedded, example);
  try {
    return await provoke(kernel, example);
  } finally {
    await kernel.close();
  }
}

/** What Linux says to each, in their order. */
export async function askLinux(examples: readonly Example[]): Promise<Answer[]> {
  const answers = new Map<Example, Answer>();
  for (const capabilities of new Set(examples.map((example) => example.capabilities))) {
    const group = examples.filter((example) => example.capabilities === capabilities);
    const said = capabilities === '' ? await ask(group) : askWithOnly(capabilities.split(' '), group);
    for (const [i, example] of group.entries()) answers.set(example, said[i]!);
  }
  return examples.map((example) => answers.get(example)!);
}

async function ask(examples: readonly Example[]): Promise<Answer[]> {
  const kernel = await openLinuxKernel();
  const answers: Answer[] = [];
  for (const example of examples) answers.push(await provoke(kernel, example));
  await kernel.close();
  return answers;
}

function askWithOnly(kept: readonly string[], examples: readonly Example[]): Answer[] {
  const dropped = [...ALL_CAPABILITIES].filter((name) => !kept.includes(name));
  const bounding = dropped.map((name) => `-${name.slice('CAP_'.length).toLowerCase()}`).join(',');
  const words = [`--bounding-set=${bounding}`, '--inh-caps=-all', process.execPath, '--import', 'tsx'];
  const { stdout, stderr, status } = spawnSync('setpriv', [...words, fileURLToPath(import.meta.url)], {
    input: JSON.stringify(examples),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`asking with ${kept.join(', ')} failed: ${stderr}`);
  return JSON.parse(stdout) as Answer[];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const examples = JSON.parse(readFileSync(0, 'utf8')) as Example[];
  process.stdout.write(JSON.stringify(await ask(examples)));
}
