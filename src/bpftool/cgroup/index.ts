/** bpftool cgroup: programs of control groups. */
import { alias, helpOf, type Noun, type VerbEntry } from '../command.ts';

const show: VerbEntry = { usage: ['CGROUP [effective]'], load: () => import('./show.ts').then((m) => m.show) };

export const cgroup: Noun = {
  name: 'cgroup',
  verbs: {
    show,
    list: alias(show),
    tree: { usage: ['[CGROUP_ROOT] [effective]'], load: () => import('./tree.ts').then((m) => m.tree) },
    attach: {
      usage: ['CGROUP ATTACH_TYPE PROG [multi | override]'],
      load: () => import('./attach.ts').then((m) => m.attach),
    },
    detach: { usage: ['CGROUP ATTACH_TYPE PROG'], load: () => import('./attach.ts').then((m) => m.detach) },
    help: helpOf(() => cgroup),
  },
};
