/**
 * `version`: which bpftool the commands agree with. Scripts look here to learn what they may ask, so the text is that
 * of bpftool 7.8; a person at a terminal is told on stderr whose commands they are.
 */
import type { Context } from './context.ts';

const BPFTOOL = '7.8.0';
const LIBBPF = '1.8';
/** What a bpftool can be built with; the features here are those of the one whose answers skep's are compared with. */
const FEATURES = { libbfd: false, llvm: true, crypto: true, skeletons: true, bootstrap: false } as const;

export function showVersion(context: Context): number {
  if (context.json) {
    const writer = context.json.startObject().field('version', BPFTOOL).field('libbpf_version', LIBBPF);
    writer.name('features').startObject();
    for (const [name, present] of Object.entries(FEATURES)) writer.field(name, present);
    writer.endObject().endObject();
    return 0;
  }
  if (context.io.isTerminal) context.note('skep, with the commands of:\n');
  const present = Object.entries(FEATURES).flatMap(([name, is]) => (is ? [name] : []));
  context.print(`bpftool v${BPFTOOL}\nusing libbpf v${LIBBPF}\nfeatures: ${present.join(', ')}\n`);
  return 0;
}
