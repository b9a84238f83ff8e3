/** bpftool prog: loaded programs. The order of the verbs decides what a prefix means. */
import { alias, helpOf, type Noun, type VerbEntry } from '../command.ts';

const show: VerbEntry = { usage: ['[PROG]'], load: () => import('./show.ts').then((m) => m.show) };

const LOAD =
  'OBJ PATH [type TYPE] [map { idx IDX | name NAME } MAP]... [pinmaps MAP_DIR] [autoattach] [kernel_btf BTF_FILE]';

export const prog: Noun = {
  name: 'prog',
  verbs: {
    show,
    list: alias(show),
    help: helpOf(() => prog),
    dump: {
      usage: [
        'xlated PROG [{ file FILE | [opcodes] [linum] [visual] }]',
        'jited PROG [{ file FILE | [opcodes] [linum] }]',
      ],
      load: () => import('./dump.ts').then((m) => m.dump),
    },
    pin: { usage: ['PROG FILE'], load: () => import('./pin.ts').then((m) => m.pin) },
    load: { usage: [LOAD], load: () => import('./load.ts').then((m) => m.load) },
    loadall: { usage: [LOAD], load: () => import('./load.ts').then((m) => m.loadAll) },
    attach: { usage: ['PROG ATTACH_TYPE [MAP]'], load: () => import('./attach.ts').then((m) => m.attach) },
    detach: { usage: ['PROG ATTACH_TYPE [MAP]'], load: () => import('./attach.ts').then((m) => m.detach) },
    tracelog: { usage: ['[{ stdout | stderr } PROG]'], load: () => import('./tracelog.ts').then((m) => m.tracelog) },
    run: {
      usage: [
        'PROG data_in FILE [data_out FILE [data_size_out L]] [ctx_in FILE [ctx_out FILE [ctx_size_out M]]] [repeat N]',
      ],
      load: () => import('./run.ts').then((m) => m.run),
    },
    profile: {
      usage: ['PROG [duration DURATION] METRICS'],
      load: () => import('./profile.ts').then((m) => m.profile),
    },
  },
  terms: [
    'MAP := { id MAP_ID | pinned FILE | name MAP_NAME }',
    'ATTACH_TYPE := { sk_msg_verdict | sk_skb_verdict | sk_skb_stream_verdict | sk_skb_stream_parser | flow_dissector }',
    'PROG := { id PROG_ID | pinned FILE | tag PROG_TAG | name PROG_NAME }',
  ],
};
