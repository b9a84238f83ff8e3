/** bpftool iter: iterators as files. */
import { helpOf, type Noun } from '../command.ts';

export const iter: Noun = {
  name: 'iter',
  verbs: {
    help: helpOf(() => iter),
    pin: { usage: ['OBJ PATH [map MAP]'], load: () => import('./pin.ts').then((m) => m.pin) },
  },
  terms: ['MAP := { id MAP_ID | pinned FILE | name MAP_NAME }'],
};
