/** bpftool net: programs at network interfaces. */
import { alias, helpOf, type Noun, type VerbEntry } from '../command.ts';

const show: VerbEntry = { usage: ['[dev NAME]'], load: () => import('./show.ts').then((m) => m.show) };

export const net: Noun = {
  name: 'net',
  verbs: {
    show,
    list: alias(show),
    attach: {
      usage: ['ATTACH_TYPE PROG dev NAME [overwrite | prepend]'],
      load: () => import('./attach.ts').then((m) => m.attach),
    },
    detach: { usage: ['ATTACH_TYPE dev NAME'], load: () => import('./attach.ts').then((m) => m.detach) },
    help: helpOf(() => net),
  },
};
