/** bpftool struct_ops: structures of the kernel's functions that programs implement. */
import { alias, helpOf, type Noun, type VerbEntry } from '../command.ts';

const show: VerbEntry = { usage: ['[STRUCT_OPS_MAP]'], load: () => import('./show.ts').then((m) => m.show) };

export const structOps: Noun = {
  name: 'struct_ops',
  verbs: {
    show,
    list: alias(show),
    register: { usage: ['OBJ [LINK_DIR]'], load: () => import('./register.ts').then((m) => m.register) },
    unregister: { usage: ['STRUCT_OPS_MAP'], load: () => import('./unregister.ts').then((m) => m.unregister) },
    dump: { usage: ['[STRUCT_OPS_MAP]'], load: () => import('./dump.ts').then((m) => m.dump) },
    help: helpOf(() => structOps),
  },
  terms: ['STRUCT_OPS_MAP := [ id STRUCT_OPS_MAP_ID | name STRUCT_OPS_MAP_NAME ]'],
};
