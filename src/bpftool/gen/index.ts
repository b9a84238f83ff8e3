/** bpftool gen: files made from object files. `types` is skep's own: the object for TypeScript. */
import { helpOf, type Noun, notYet } from '../command.ts';

/** What bpftool has and skep has not built yet: in the table, so that prefixes mean the same. */
function unbuilt(verb: string, usage: string) {
  return notYet(`'gen ${verb}'`, [usage]);
}

export const gen: Noun = {
  name: 'gen',
  verbs: {
    object: unbuilt('object', 'OUTPUT_FILE INPUT_FILE...'),
    skeleton: unbuilt('skeleton', 'FILE [name OBJECT_NAME]'),
    subskeleton: unbuilt('subskeleton', 'FILE [name OBJECT_NAME]'),
    min_core_btf: {
      usage: ['INPUT OUTPUT OBJECT...'],
      load: () => import('./min-core-btf.ts').then((m) => m.minCoreBtf),
    },
    types: { usage: ['FILE [name OBJECT_NAME]'], load: () => import('./types.ts').then((m) => m.types) },
    help: helpOf(() => gen),
  },
};
