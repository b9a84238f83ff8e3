/** bpftool map: maps and their elements. The order of the verbs decides what a prefix means. */
import { alias, helpOf, type Noun, type VerbEntry } from '../command.ts';

const show: VerbEntry = { usage: ['[MAP]'], load: () => import('./show.ts').then((m) => m.show) };
const lookup = () => import('./lookup.ts').then((m) => m.lookup);
const update = () => import('./update.ts').then((m) => m.update);
const pop = () => import('./pop.ts').then((m) => m.pop);

export const map: Noun = {
  name: 'map',
  verbs: {
    show,
    list: alias(show),
    help: helpOf(() => map),
    dump: { usage: ['MAP'], load: () => import('./dump.ts').then((m) => m.dump) },
    update: { usage: ['MAP [key DATA] [value VALUE] [UPDATE_FLAGS]'], load: update },
    lookup: { usage: ['MAP [key DATA]'], load: lookup },
    getnext: { usage: ['MAP [key DATA]'], load: () => import('./getnext.ts').then((m) => m.getnext) },
    delete: { usage: ['MAP key DATA'], load: () => import('./delete.ts').then((m) => m.deleteKey) },
    pin: { usage: ['MAP FILE'], load: () => import('./pin.ts').then((m) => m.pin) },
    event_pipe: { usage: ['MAP [cpu N index M]'], load: () => import('./event-pipe.ts').then((m) => m.eventPipe) },
    create: {
      usage: [
        'FILE type TYPE key KEY_SIZE value VALUE_SIZE entries MAX_ENTRIES name NAME [flags FLAGS] [inner_map MAP] [offload_dev NAME]',
      ],
      load: () => import('./create.ts').then((m) => m.create),
    },
    peek: { usage: ['MAP'], load: lookup },
    push: { usage: ['MAP value VALUE'], load: update },
    enqueue: { usage: ['MAP value VALUE'], load: update },
    pop: { usage: ['MAP'], load: pop },
    dequeue: { usage: ['MAP'], load: pop },
    freeze: { usage: ['MAP'], load: () => import('./freeze.ts').then((m) => m.freeze) },
  },
  terms: [
    'MAP := { id MAP_ID | pinned FILE | name MAP_NAME }',
    'DATA := { [hex] BYTES }',
    'VALUE := { DATA | MAP | PROG }',
    'UPDATE_FLAGS := { any | exist | noexist }',
  ],
};
