/** bpftool token: what may be done by way of a mount of the bpf file system. */
import { alias, helpOf, type Noun, type VerbEntry } from '../command.ts';

const show: VerbEntry = { usage: [''], load: () => import('./show.ts').then((m) => m.show) };

export const token: Noun = { name: 'token', verbs: { show, list: alias(show), help: helpOf(() => token) } };
