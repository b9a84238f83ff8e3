/** bpftool btf: the types that programs and maps carry, and types in files. */
import { alias, helpOf, type Noun, type VerbEntry } from '../command.ts';

const show: VerbEntry = { usage: ['[id BTF_ID]'], load: () => import('./show.ts').then((m) => m.show) };

export const btf: Noun = {
  name: 'btf',
  verbs: {
    show,
    list: alias(show),
    help: helpOf(() => btf),
    dump: {
      usage: ['BTF_SRC [format FORMAT] [root_id ROOT_ID]...'],
      load: () => import('./dump.ts').then((m) => m.dump),
    },
  },
  terms: [
    'BTF_SRC := { id BTF_ID | prog PROG | map MAP [{ key | value | kv | all }] | file FILE [file FILE]... }',
    'FORMAT := { raw | c [unsorted] }',
    'MAP := { id MAP_ID | pinned FILE | name MAP_NAME }',
    'PROG := { id PROG_ID | pinned FILE | tag PROG_TAG | name PROG_NAME }',
  ],
};
