/** bpftool link: what joins programs to the places they run at. */
import { alias, helpOf, type Noun, type VerbEntry } from '../command.ts';

const show: VerbEntry = { usage: ['[LINK]'], load: () => import('./show.ts').then((m) => m.show) };

export const link: Noun = {
  name: 'link',
  verbs: {
    show,
    list: alias(show),
    help: helpOf(() => link),
    pin: { usage: ['LINK FILE'], load: () => import('./pin.ts').then((m) => m.pin) },
    detach: { usage: ['LINK'], load: () => import('./detach.ts').then((m) => m.detach) },
  },
  terms: ['LINK := { id LINK_ID | pinned FILE }'],
};
