/** bpftool feature: what the kernel offers, and which names the tool knows. */
import { helpOf, type Noun } from '../command.ts';

export const feature: Noun = {
  name: 'feature',
  verbs: {
    probe: {
      usage: ['[{ kernel | dev NAME }] [full] [unprivileged] [macros [prefix PREFIX]]'],
      load: () => import('./probe.ts').then((m) => m.probe),
    },
    list_builtins: {
      usage: ['{ prog_types | map_types | attach_types | link_types | helpers }'],
      load: () => import('./list-builtins.ts').then((m) => m.listBuiltins),
    },
    help: helpOf(() => feature),
  },
};
