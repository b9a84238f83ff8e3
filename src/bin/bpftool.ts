/** bpftool's commands with Node's input and output, on the chosen kernel. */
import { runBpftool } from '../bpftool/index.ts';
import type { KernelChoice } from './argv.ts';
import { USAGE } from './help.ts';
import { nodeIo } from './node-io.ts';
import { openKernel } from './open-kernel.ts';

export function bpftoolCommand(words: readonly string[], choice: KernelChoice): Promise<number> {
  return runBpftool(words, { io: nodeIo(), openKernel: () => openKernel(choice), usage: USAGE });
}
