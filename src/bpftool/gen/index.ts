/** bpftool gen: files made from object files. `types` is skep's own: the object for TypeScript. */
import { helpOf, type Noun, notYet } from '../command.ts';

/** What bpftool has and skep has not built yet: in the table, so that prefixes mean the same. */
function unbuilt(verb: string, usage: string, hint: string) {
  return notYet(`'gen ${verb}'`, [usage], hint);
}

const FOR_C = 'it is C, for libbpf; gen types writes the same for TypeScript';

export const gen: Noun = {
  name: 'gen',
  verbs: {
    object: unbuilt('object', 'OUTPUT_FILE INPUT_FILE...', 'load the objects one by one, with maps in common'),
    skeleton: unbuilt('skeleton', 'FILE [name OBJECT_NAME]', FOR_C),
    subskeleton: unbuilt('subskeleton', 'FILE [name OBJECT_NAME]', FOR_C),
    min_core_btf: {
      usage: ['INPUT OUTPUT OBJECT...'],
      load: () => import('./min-core-btf.ts').then((m) => m.minCoreBtf),
    },
    types: { usage: ['FILE [name OBJECT_NAME]'], load: () => import('./types.ts').then((m) => m.types) },
    help: helpOf(() => gen),
  },
};
